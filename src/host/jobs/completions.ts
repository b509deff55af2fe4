import { type CompleteJobRequest } from '../../contracts/skyclaw.js';
import { type Logger } from '../../platform/logging/logger.js';
import { record } from '../domain/record.js';
import { newKey } from '../coordinator/coordinator-client.js';
import { type Deliverer } from '../coordinator/delivery.js';
import { outputText } from '../domain/output-text.js';
import { type StateDir } from '../../platform/state-dir/state-dir.js';

const FOLDER = 'completions';
/** Kept of each stream when the coordinator finds a completion too large. */
const SMALL_OUTPUT_BYTES = 16_384;

/** A job's end that the coordinator has not heard of. */
interface OpenCompletion {
  readonly jobId: string;
  readonly key: string;
  readonly body: CompleteJobRequest;
}

/**
 * Ends of jobs on their way to the coordinator. Each is written down before it is sent, so that a daemon that dies meanwhile
 * tells it in its next life, with the same key, instead of having the job run again.
 */
export class Completions {
  private readonly open = new Map<string, OpenCompletion>();
  private readonly delivering = new Set<Promise<void>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly state: StateDir,
    private readonly deliverer: Deliverer,
    private readonly logger: Logger,
  ) {
    for (const name of state.list(FOLDER)) {
      const completion = state.read(FOLDER, name);
      if (isCompletion(completion)) this.open.set(completion.key, completion);
      else state.remove(FOLDER, name);
    }
  }

  /** Jobs that have ended here and of which the coordinator does not know it yet. */
  get jobIds(): readonly string[] {
    return [...this.open.values()].map(({ jobId }) => jobId);
  }

  /** Sends what an earlier life could not. */
  resume(): void {
    for (const completion of this.open.values()) this.start(completion);
  }

  /** Sends the end of a job, for as long as it takes. Holds nobody up. */
  send(jobId: string, body: CompleteJobRequest): void {
    const completion = { jobId, key: newKey(), body };
    try {
      this.state.write(completion, FOLDER, `${completion.key}.json`);
    } catch (error) {
      this.logger.error(
        { err: error, jobId },
        'The end of a job cannot be written down; it is sent all the same.',
      );
    }
    this.open.set(completion.key, completion);
    this.start(completion);
  }

  /** Waits until everything is delivered, but no longer than `limitMs`; what is left then waits on disk. */
  async drain(limitMs: number): Promise<void> {
    const timer = setTimeout(() => this.stopping.abort(), limitMs);
    await Promise.all(this.delivering);
    clearTimeout(timer);
  }

  private start(completion: OpenCompletion): void {
    const delivery = this.deliver(completion).finally(() => this.delivering.delete(delivery));
    this.delivering.add(delivery);
  }

  private async deliver({ jobId, key, body }: OpenCompletion): Promise<void> {
    const path = `/v1/jobs/${encodeURIComponent(jobId)}/complete`;
    const { signal } = this.stopping;
    try {
      let delivery = await this.deliverer.deliver({ path, body, key }, signal);
      if (delivery.kind === 'refused' && delivery.refusal.status === 413) {
        delivery = await this.deliverer.deliver({ path, body: smaller(body), key: newKey() }, signal);
      }
      if (delivery.kind === 'refused') {
        this.logger.warn(
          { jobId, reason: delivery.refusal.message },
          'The coordinator does not take the end of a job.',
        );
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      this.logger.warn({ jobId }, 'The end of a job is not delivered; it is kept for the next start.');
      return;
    }
    this.open.delete(key);
    this.state.remove(FOLDER, `${key}.json`);
  }
}

function smaller(body: CompleteJobRequest): CompleteJobRequest {
  const cut = (text = '') => {
    const bytes = Buffer.from(text);
    return outputText(
      bytes.subarray(0, SMALL_OUTPUT_BYTES),
      bytes.length <= SMALL_OUTPUT_BYTES,
      SMALL_OUTPUT_BYTES,
    );
  };
  return { ...body, stdout: cut(body.stdout), stderr: cut(body.stderr) };
}

function isCompletion(value: unknown): value is OpenCompletion {
  const { jobId, key, body } = record(value);
  return typeof jobId === 'string' && typeof key === 'string' && typeof record(body)['hostId'] === 'string';
}
