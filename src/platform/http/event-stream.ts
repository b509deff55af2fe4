import { type FastifyReply } from 'fastify';
import { whenDraining } from './draining.js';

/** Why a stream is over. */
type StreamEnd = 'gone' | 'stalled' | 'draining';

/**
 * One answer of Server-Sent Events. Sending waits until the client has taken what came before, so a slow one costs what
 * is in its socket's buffer and no more; one that takes nothing for `stallMs` is cut off.
 */
export class EventStream {
  private readonly ending = new AbortController();
  private endedAs: StreamEnd | undefined;

  private constructor(
    private readonly reply: FastifyReply,
    private readonly stallMs: number,
  ) {
    if (reply.raw.destroyed) this.over('gone');
    const forget = whenDraining(reply.server, () => this.over('draining'));
    reply.raw.once('close', () => {
      forget();
      this.over('gone');
    });
  }

  /** Answers with the headers of a stream. The answer then belongs to the stream, and errors can no longer be told by status. */
  static open(reply: FastifyReply, stallMs: number): EventStream {
    reply.hijack();
    const stream = new EventStream(reply, stallMs);
    // What hooks have set; Fastify writes it only into answers of its own.
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      // nginx would otherwise collect events until it has a buffer full.
      'x-accel-buffering': 'no',
      connection: 'close',
    });
    reply.raw.flushHeaders();
    return stream;
  }

  /** Why nothing more should be sent, once that is so. While it is `draining`, a last word still can be. */
  get end(): StreamEnd | undefined {
    return this.endedAs;
  }

  /** Aborts when the stream is over. */
  get signal(): AbortSignal {
    return this.ending.signal;
  }

  /** Sends text and waits until the client has room for more, or the stream is over. */
  async send(text: string): Promise<void> {
    const { raw } = this.reply;
    if (this.endedAs !== undefined || raw.write(text)) return;
    const stalled = setTimeout(() => {
      this.over('stalled');
      raw.destroy();
    }, this.stallMs);
    await new Promise<void>((resolve) => {
      const done = () => {
        raw.off('drain', done).off('close', done);
        this.signal.removeEventListener('abort', done);
        resolve();
      };
      raw.on('drain', done).on('close', done);
      this.signal.addEventListener('abort', done);
    });
    clearTimeout(stalled);
  }

  /** Sends a last word and ends the answer. */
  close(text = ''): void {
    if (!this.reply.raw.destroyed) this.reply.raw.end(text);
  }

  /** Ends the answer without a word. */
  cut(): void {
    this.reply.raw.destroy();
  }

  private over(end: StreamEnd): void {
    this.endedAs ??= end;
    this.ending.abort();
  }
}

/** An event as text of the stream; `data` is one line of JSON. */
export function sseEvent({ id, event, data }: { id: string; event: string; data: string }): string {
  return `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`;
}
