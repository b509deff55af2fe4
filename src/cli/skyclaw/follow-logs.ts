import { type LogEnd, type LogLine } from '../../contracts/skyclaw.js';
import { ApiError, UnreachableError } from '../api/api-error.js';
import { serverSentEvents } from '../api/server-sent-events.js';
import { type Coordinator } from './coordinator.js';
import { Patience } from './patience.js';

/** A stream that says nothing for so long, not even that it is alive, is taken for dead. */
const SILENCE_MS = 60_000;
/** A connection that has lived so long, and still speaks, is a good one. */
const STEADY_MS = 1_000;

/** How following has ended: with the job, or at once, as there is no stream to follow. */
export type Followed = 'job-ended' | 'no-stream';

/**
 * Hands each entry of a log to `onLine`, old ones first, until the job that writes it has ended; the log of a service
 * has no end. A stream that breaks off is resumed after the entry that came last, from whichever coordinator answers.
 */
export async function followLogs(
  coordinator: Coordinator,
  path: string,
  onLine: (line: LogLine) => Promise<void>,
): Promise<Followed> {
  const patience = new Patience(coordinator.patienceMs);
  const reader = new LogReader(coordinator, path, patience, onLine);
  for (;;) {
    let trouble: unknown = new UnreachableError('The coordinator breaks the stream off again and again.');
    try {
      const followed = await reader.connect();
      if (followed !== undefined) return followed;
    } catch (error) {
      if (isNoStream(error)) return 'no-stream';
      trouble = error;
    }
    await patience.failed(trouble, reader.retryMs);
  }
}

/** One log over all connections that it takes to read it. */
class LogReader {
  /** How long the stream has asked to wait before connecting again. */
  retryMs = 0;
  private lastId: string | undefined;

  constructor(
    private readonly coordinator: Coordinator,
    private readonly path: string,
    private readonly patience: Patience,
    private readonly onLine: (line: LogLine) => Promise<void>,
  ) {}

  /** Reads until the end; undefined when the connection is lost before. */
  async connect(): Promise<Followed | undefined> {
    const ending = new AbortController();
    const silence = setTimeout(() => ending.abort(), SILENCE_MS);
    try {
      const response = await this.coordinator.followLogs(this.path, this.lastId, ending.signal);
      const type = response.headers.get('content-type') ?? '';
      if (!type.startsWith('text/event-stream') || response.body === null) return 'no-stream';
      const connectedAtMs = performance.now();
      return await this.read(response.body, () => {
        silence.refresh();
        if (performance.now() - connectedAtMs >= STEADY_MS) this.patience.worked();
      });
    } finally {
      clearTimeout(silence);
      ending.abort();
    }
  }

  private async read(body: AsyncIterable<Uint8Array>, onSign: () => void): Promise<Followed | undefined> {
    for await (const said of serverSentEvents(signs(body, onSign))) {
      if (said.kind === 'retry') {
        this.retryMs = said.retryMs;
        continue;
      }
      this.patience.worked();
      const { event, data, id } = said.event;
      if (event === 'log') await this.onLine(JSON.parse(data) as LogLine);
      if (event === 'end') {
        const { status } = JSON.parse(data) as Partial<LogEnd>;
        // Without a status it is the stream that ends, not the job.
        return status === undefined ? undefined : 'job-ended';
      }
      // Only now: an entry that was not handed on is asked for again.
      this.lastId = id ?? this.lastId;
    }
    return undefined;
  }
}

/** The same chunks, each a sign of life. A connection that breaks ends them, like one that is closed. */
async function* signs(body: AsyncIterable<Uint8Array>, onSign: () => void): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      let next: IteratorResult<Uint8Array>;
      try {
        next = await chunks.next();
      } catch {
        // The reason does not matter: whoever follows connects again, and hears there what is wrong.
        return;
      }
      if (next.done === true) return;
      onSign();
      yield next.value;
    }
  } finally {
    await chunks.return?.().catch(() => undefined);
  }
}

/** A coordinator that does not know the route, or not how to stream it. */
function isNoStream(error: unknown): boolean {
  return error instanceof ApiError && [404, 405, 406, 501].includes(error.status);
}
