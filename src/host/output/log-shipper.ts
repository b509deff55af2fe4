import { StringDecoder } from 'node:string_decoder';
import { type AppendLogsRequest, type LogEntry } from '../../contracts/skyclaw.js';
import { type Logger } from '../../platform/logging/logger.js';
import { record } from '../domain/record.js';
import { type CoordinatorClient, newKey } from '../coordinator/coordinator-client.js';
import { CoordinatorRefusal } from '../coordinator/coordinator-errors.js';
import { backoffMs } from '../domain/backoff.js';
import { storable } from '../domain/output-text.js';
import { type StreamName } from '../runner/run-command.js';

/** Output waits so long for more of it. */
const BATCH_MS = 250;
/** Characters that are shipped without waiting for more, and the most in one entry. */
const ENTRY_CHARS = 16_384;
/** Characters in one call. */
const BATCH_CHARS = 4 * ENTRY_CHARS;
/** Characters that wait here at most; what comes beyond is dropped, and an entry says so. */
const MOST_WAITING_CHARS = 16 * ENTRY_CHARS;
const FIRST_PAUSE_MS = 1_000;
const MOST_PAUSE_MS = 10_000;

/** What all shippers of a daemon share: whether the coordinator takes output at all. */
export interface ShippingSwitch {
  isOn: boolean;
}

export interface ShipTo {
  readonly path: string;
  /** Whose output it is. */
  readonly as: Omit<AppendLogsRequest, 'entries'>;
  /** The sequence number of the last entry that was shipped before. */
  readonly lastSeq?: number;
}

export interface LogShipperOptions {
  readonly client: CoordinatorClient;
  readonly shipping: ShippingSwitch;
  readonly logger: Logger;
  /** Called before a batch is sent for the first time, with the last sequence number in it. */
  readonly onSending?: (lastSeq: number) => void;
  /** Called when everything that was added so far has arrived. */
  readonly onAllShipped?: () => void;
}

/**
 * Ships output while it is written. One call at a time, with the same key until it is answered; never holds up who writes:
 * what the coordinator is too slow for is dropped, and an entry in its place tells how much.
 */
export class LogShipper {
  private readonly decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  private waiting: Omit<LogEntry, 'seq'>[] = [];
  private waitingChars = 0;
  private droppedBytes = 0;
  private seq: number;
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  private isOver = false;
  private isBehind = false;

  constructor(
    private readonly to: ShipTo,
    private readonly options: LogShipperOptions,
  ) {
    this.seq = to.lastSeq ?? 0;
  }

  /** Whether more would be kept, rather than dropped. */
  get hasRoom(): boolean {
    return !this.isOpen || this.waitingChars < MOST_WAITING_CHARS / 2;
  }

  get isIdle(): boolean {
    return this.sending === undefined && this.waiting.length === 0;
  }

  add(stream: StreamName, chunk: Buffer): void {
    if (!this.isOpen) return;
    if (this.waitingChars >= MOST_WAITING_CHARS) {
      this.droppedBytes += chunk.length;
      return;
    }
    this.tellOfDropped(stream);
    this.append(stream, this.decoders[stream].write(chunk));
  }

  /** Ships what is left, as far as that takes no longer than `limitMs`, and ends. */
  async finish(limitMs: number): Promise<void> {
    if (this.isOpen) {
      for (const stream of ['stdout', 'stderr'] as const) this.append(stream, this.decoders[stream].end());
      this.tellOfDropped('stderr');
    }
    // A coordinator that does not answer is not waited for.
    const end = setTimeout(() => this.stopping.abort(), this.isBehind ? 0 : limitMs);
    while (this.isOpen && !this.isIdle && !this.stopping.signal.aborted) {
      this.send();
      await this.sending;
    }
    clearTimeout(end);
    this.close();
  }

  private get isOpen(): boolean {
    return !this.isOver && this.options.shipping.isOn;
  }

  private close(): void {
    this.isOver = true;
    this.waiting = [];
    clearTimeout(this.timer);
  }

  private tellOfDropped(stream: StreamName): void {
    if (this.droppedBytes === 0) return;
    this.append(stream, `\n[${this.droppedBytes} bytes of output were not shipped]\n`);
    this.droppedBytes = 0;
  }

  private append(stream: StreamName, raw: string): void {
    let text = storable(raw);
    while (text !== '') {
      const last = this.waiting.at(-1);
      const room = last?.stream === stream ? ENTRY_CHARS - last.text.length : 0;
      const part = head(text, room > 1 ? room : ENTRY_CHARS);
      if (room > 1 && last !== undefined)
        this.waiting[this.waiting.length - 1] = { stream, text: last.text + part };
      else this.waiting.push({ stream, text: part });
      this.waitingChars += part.length;
      text = text.slice(part.length);
    }
    if (this.waiting.length === 0 || this.sending !== undefined) return;
    if (this.waitingChars >= ENTRY_CHARS) this.send();
    else this.timer ??= setTimeout(() => this.send(), BATCH_MS);
  }

  private send(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.sending !== undefined || this.waiting.length === 0 || !this.isOpen) return;
    this.sending = this.sendBatch(this.takeBatch()).finally(() => {
      this.sending = undefined;
      if (this.waitingChars >= ENTRY_CHARS) this.send();
      else if (this.waiting.length > 0) this.timer ??= setTimeout(() => this.send(), BATCH_MS);
    });
  }

  private takeBatch(): readonly LogEntry[] {
    const batch: LogEntry[] = [];
    let chars = 0;
    for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
      if (batch.length > 0 && chars + next.text.length > BATCH_CHARS) break;
      this.waiting.shift();
      chars += next.text.length;
      this.seq += 1;
      batch.push({ seq: this.seq, ...next });
    }
    this.waitingChars -= chars;
    return batch;
  }

  private async sendBatch(entries: readonly LogEntry[]): Promise<void> {
    const { path, as } = this.to;
    const body: AppendLogsRequest = { ...as, entries };
    const key = newKey();
    const { signal } = this.stopping;
    this.options.onSending?.(this.seq);
    for (let tries = 1; this.isOpen && !signal.aborted; tries += 1) {
      try {
        const answer = await this.options.client.post(path, body, { key, signal });
        this.isBehind = false;
        if (this.waiting.length === 0) this.options.onAllShipped?.();
        if (record(answer)['full'] === true) this.close();
        return;
      } catch (error) {
        // A coordinator that has forgotten the host is about to hear of it again.
        if (error instanceof CoordinatorRefusal && !error.isUnknownHost) {
          this.giveUp(error);
          return;
        }
        this.isBehind = true;
        await pause(backoffMs(tries, FIRST_PAUSE_MS, MOST_PAUSE_MS), signal);
      }
    }
  }

  /** The coordinator does not want this output; one that does not know the route wants none at all. */
  private giveUp(refusal: CoordinatorRefusal): void {
    const { shipping, logger } = this.options;
    if (refusal.isUnknownRoute) {
      shipping.isOn = false;
      logger.info('The coordinator knows no route for output; it is not shipped while jobs run.');
    } else logger.debug({ path: this.to.path, reason: refusal.message }, 'Output is not shipped any more.');
    this.close();
  }
}

/** At most `most` characters, and no half of a pair. */
function head(text: string, most: number): string {
  const part = text.slice(0, most);
  return part.length < text.length && /[\uD800-\uDBFF]$/.test(part) ? part.slice(0, -1) : part;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      done();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', finish);
  });
}
