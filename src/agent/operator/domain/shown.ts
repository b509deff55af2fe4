import { type Execution } from '../../../actions/index.js';

const MAX_CHARACTERS = 2_000;
/** What could move the cursor, hide a part of the line, or turn its direction: C0, C1, zero width, bidirectional. */
// eslint-disable-next-line no-control-regex -- these characters are what must not reach the terminal
const UNSEEMLY = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** An action with its parameters, a line each, as they may be shown at a terminal: whoever sent them cannot disguise them. */
export function shownToOperator({ action, params }: Execution): string {
  const lines = Object.entries(params).map(
    ([name, value]) => `  ${shown(name)}: ${shown(JSON.stringify(value))}`,
  );
  return [`The gateway asks for: ${shown(action)}`, ...lines].join('\n');
}

function shown(text: string): string {
  const cut =
    text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)} … (${text.length} characters)` : text;
  return cut
    .toWellFormed()
    .replace(UNSEEMLY, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
