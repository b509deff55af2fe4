import { isObject, listIn, objectIn, textIn } from './json.js';

/** A line of a stream that has no end is no line. */
const MAX_LINE = 1_048_576;
/** What is kept of a turn's text. */
const MAX_TEXT = 1_000_001;

/** How a stream of a completion has ended: `cut` before its own end, so that nothing is known of the turn. */
export type CompletionEnd =
  | { readonly kind: 'replied'; readonly text: string }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'cut' };

/** Reads a completion that a gateway streams as server-sent events, and tells of each piece of its text. */
export async function readCompletion(
  body: AsyncIterable<Buffer>,
  tell: (delta: string) => void,
): Promise<CompletionEnd> {
  let text = '';
  let isFinished = false;
  for await (const data of dataOf(body)) {
    if (data === '[DONE]') return isFinished ? { kind: 'replied', text } : { kind: 'cut' };
    const chunk = parsed(data);
    if (isObject(chunk) && chunk['error'] !== undefined) {
      return { kind: 'failed', error: textIn(objectIn(chunk, 'error'), 'message') || 'The turn failed.' };
    }
    const [choice] = listIn(chunk, 'choices');
    const delta = textIn(objectIn(choice, 'delta'), 'content');
    if (delta !== '') tell(delta);
    if (text.length < MAX_TEXT) text += delta;
    isFinished ||= textIn(choice, 'finish_reason') !== '';
  }
  return { kind: 'cut' };
}

/** The data of each event of a stream. Throws for a line that is too long. */
async function* dataOf(body: AsyncIterable<Buffer>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of body) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE)
      throw new Error(`A line of the answer is longer than ${MAX_LINE} characters.`);
    for (const line of lines) if (line.startsWith('data:')) yield line.slice(5).trim();
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return undefined;
  }
}
