import http from 'node:http';
import { once } from 'node:events';
import { eventually } from './eventually.js';
import { type LoggedEvent } from './audit.js';

/** A block of a stream of Server-Sent Events, as it came. */
export interface Frame {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
  readonly retry?: string;
  readonly comment?: string;
}

export interface StreamedEvent extends LoggedEvent {
  readonly message: string;
  readonly created_at: string;
  readonly payload: Record<string, unknown>;
}

/** A client of the event stream that keeps all it hears, and can stop listening without hanging up. */
export class StreamClient {
  readonly frames: Frame[] = [];
  /** Whether the server has ended the answer, in good order or not. */
  ended: 'open' | 'done' | 'cut' = 'open';
  private rest = '';

  private constructor(
    private readonly request: http.ClientRequest,
    readonly response: http.IncomingMessage,
  ) {
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.take(chunk));
    response.on('end', () => (this.ended = 'done'));
    response.on('error', () => (this.ended = 'cut'));
    request.on('error', () => undefined);
  }

  /** Connects; the answer may be a refusal. */
  static connect(url: string, query = '', headers: Record<string, string> = {}): Promise<StreamClient> {
    return StreamClient.follow(`${url}/v1/events/stream${query}`, headers);
  }

  /** The same of any stream. */
  static async follow(url: string, headers: Record<string, string> = {}): Promise<StreamClient> {
    const request = http.get(url, {
      agent: false,
      headers: { accept: 'text/event-stream', ...headers },
    });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    return new StreamClient(request, response);
  }

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  /** What happened to tasks, in the order in which it was told. */
  get events(): StreamedEvent[] {
    return this.frames
      .filter(({ event, data }) => data !== undefined && event !== 'reset' && event !== 'end')
      .map(({ data = '' }) => JSON.parse(data) as StreamedEvent);
  }

  /** What an EventSource would send as Last-Event-ID. */
  get lastId(): string {
    return this.frames.findLast(({ id }) => id !== undefined)?.id ?? '';
  }

  /** Waits until `count` events have been told, and returns all. */
  told(count: number, limitMs?: number): Promise<StreamedEvent[]> {
    return eventually(
      `${count} events have been streamed (there are ${this.events.length})`,
      () => Promise.resolve(this.events.length >= count ? this.events : undefined),
      limitMs,
    );
  }

  /** Waits for a frame. */
  frame(what: string, wanted: (frame: Frame) => boolean): Promise<Frame> {
    return eventually(`${what} has been streamed`, () => Promise.resolve(this.frames.find(wanted)));
  }

  /** Waits until the server has ended the answer. */
  over(limitMs?: number): Promise<'done' | 'cut'> {
    return eventually(
      'the stream is over',
      () => Promise.resolve(this.ended === 'open' ? undefined : this.ended),
      limitMs,
    );
  }

  close(): void {
    this.request.destroy();
  }

  private take(chunk: string): void {
    const blocks = (this.rest + chunk).split('\n\n');
    this.rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = block.split('\n').map((line) => {
        const colon = line.indexOf(':');
        return [colon === 0 ? 'comment' : line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
      });
      this.frames.push(Object.fromEntries(fields) as Frame);
    }
  }
}
