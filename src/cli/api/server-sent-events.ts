export interface ServerSentEvent {
  /** The type; `message` when the stream names none. */
  readonly event: string;
  readonly data: string;
  /** The last id that the stream has named, which may have come with an earlier event. */
  readonly id?: string;
}

/** What a stream says: an event, or how long to wait before connecting again. */
type Said =
  | { readonly kind: 'event'; readonly event: ServerSentEvent }
  | { readonly kind: 'retry'; readonly retryMs: number };

/** Reads a stream of Server-Sent Events as the HTML standard says; comments are dropped, half an event at its end as well. */
export async function* serverSentEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Said> {
  let id: string | undefined;
  let event = '';
  let data: string[] = [];
  for await (const line of linesOf(chunks)) {
    if (line === '') {
      if (data.length > 0) {
        yield {
          kind: 'event',
          event: {
            event: event === '' ? 'message' : event,
            data: data.join('\n'),
            ...(id === undefined ? {} : { id }),
          },
        };
      }
      event = '';
      data = [];
      continue;
    }
    const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === 'event') event = value;
    else if (name === 'data') data.push(value);
    else if (name === 'id' && !value.includes('\0')) id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) yield { kind: 'retry', retryMs: Number(value) };
  }
}

/** Lines end with LF, CRLF or CR; what follows the last end is no line. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    // A CR at the end may be half of a CRLF.
    const end = rest.endsWith('\r') ? rest.length - 1 : rest.length;
    const lines = rest.slice(0, end).split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? '') + rest.slice(end);
    yield* lines;
  }
}
