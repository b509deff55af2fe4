import { unreadable } from './reading.js';

/** The longest line or event that is read: the arguments of a tool call may hold a whole file. */
const MAX_FRAME_CHARACTERS = 4 * 1_048_576;
const MAX_STREAM_BYTES = 64 * 1_048_576;

/**
 * The lines of a streamed answer, without their ends; empty ones included. Nothing is read ahead of who takes them, so a
 * slow reader slows the provider down.
 */
export async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  /** What has come of a line that is not over. */
  let begun: string[] = [];
  let characters = 0;
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_STREAM_BYTES) throw unreadable(`it has more than ${MAX_STREAM_BYTES} bytes`);
    const parts = decoder.decode(chunk, { stream: true }).split('\n');
    const rest = parts.pop() ?? '';
    for (const part of parts) {
      const line = begun.join('') + part;
      begun = [];
      characters = 0;
      yield line.endsWith('\r') ? line.slice(0, -1) : line;
    }
    characters += rest.length;
    if (characters > MAX_FRAME_CHARACTERS) throw tooLong();
    if (rest !== '') begun.push(rest);
  }
  const last = begun.join('') + decoder.decode();
  if (last !== '') yield last;
}

/** The JSON texts of an answer that has one a line. */
export async function* jsonLinesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  for await (const line of linesOf(body)) if (line.trim() !== '') yield line;
}

/** The data of Server-Sent Events. Names and ids of events tell nothing here that their data does not; comments are skipped. */
export async function* eventDataOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let data: string[] = [];
  let characters = 0;
  for await (const line of linesOf(body)) {
    if (line.startsWith('data:')) {
      const text = line.slice(line.startsWith('data: ') ? 6 : 5);
      characters += text.length;
      if (characters > MAX_FRAME_CHARACTERS) throw tooLong();
      data.push(text);
    } else if (line === '' && data.length > 0) {
      yield data.join('\n');
      data = [];
      characters = 0;
    }
  }
  if (data.length > 0) yield data.join('\n');
}

const tooLong = () => unreadable(`a part of it has more than ${MAX_FRAME_CHARACTERS} characters`);
