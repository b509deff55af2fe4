import { type Execution } from '../../../actions/index.js';

const MAX_CHARACTERS = 2_000;
/** What could move the cursor, hide a part of the line, or turn its direction: control, format, ends of lines. */
const UNSEEMLY = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

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
  return cut.toWellFormed().replace(UNSEEMLY, (character) => character.split('').map(escaped).join(''));
}

/** One unit of UTF-16, as JSON would write it. */
const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
