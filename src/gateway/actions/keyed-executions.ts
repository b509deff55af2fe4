import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type ActionRequest } from '../../contracts/gateway-api.js';
import { type Database } from '../../platform/database/database.js';
import { canonicalJson } from '../../platform/json/canonical-json.js';
import { type Logger } from '../../platform/logging/logger.js';
import * as queries from './actions.queries.js';
import { type ExecutionKey, type Remembered } from './actions.queries.js';
import {
  asReplay,
  failure,
  type HttpAnswer,
  INTERRUPTED,
  KEY_REUSED,
  NO_EXECUTOR,
  refusal,
  SHUTTING_DOWN,
  unknownOfKey,
} from './answer.js';
import { type RunningActions } from './running-actions.js';

/** How often a caller whose execution runs in another process looks whether it is over. */
const JOIN_POLL_MS = 250;
/** The pause before a record is tried again that the database did not take. */
const RECORD_RETRY_MS = 500;

/** An answer, and whether it is the answer of its key for good. What is not final leaves the key unused. */
export interface Outcome {
  readonly answer: HttpAnswer;
  readonly final: boolean;
  /** What the key is answered from now on, where that differs. */
  readonly remembered?: HttpAnswer;
}

/** What deciding and running is done with. */
export interface ExecutionHooks {
  /** Undefined when there is nobody to ask. */
  isRepeatable(action: string): boolean | undefined;
  /** Why an action may not begin now; null when it may. */
  refusalOf(request: ActionRequest, signal: AbortSignal): Promise<HttpAnswer | null>;
  /** Never rejects. */
  execute(request: ActionRequest, signal: AbortSignal): Promise<Outcome>;
  /** Remembers the lease number of a request that is answered without being judged. */
  noteLease(request: ActionRequest): Promise<void>;
}

interface InFlight {
  readonly fingerprint: string;
  readonly outcome: Promise<Outcome>;
}

/**
 * Executes each key once.
 *
 * An execution is written down as running before it begins and as done, with its answer, before anybody hears of its
 * end. Whoever sends the same key meanwhile joins it, in this process or in another; whoever sends it later gets its
 * answer. A process renews what it runs on the database's clock; what a dead one has left running is run again only if
 * that does no harm, and any other is told, for good, to have been interrupted.
 *
 * Within a process a key is taken before the first look at the database, so its duplicates cannot be judged (and
 * refused) while it runs. Between processes the insert of the row decides.
 */
export class KeyedExecutions {
  private readonly bootId = randomUUID();
  private readonly inFlight = new Map<string, InFlight>();
  private begun = 0;
  private closing = false;

  constructor(
    private readonly database: Database,
    private readonly logger: Logger,
    private readonly running: RunningActions,
    private readonly hooks: ExecutionHooks,
  ) {}

  /** Runs, joins or replays. Rejects only when the database is away and the key's state can therefore not be told. */
  async answer(key: ExecutionKey, request: ActionRequest): Promise<HttpAnswer> {
    const name = JSON.stringify([key.taskId, key.idempotencyKey]);
    const fingerprint = createHash('sha256')
      .update(canonicalJson([request.action, request.params]))
      .digest('hex');
    for (;;) {
      const other = this.inFlight.get(name);
      if (other === undefined) break;
      if (other.fingerprint !== fingerprint) return KEY_REUSED;
      await this.hooks.noteLease(request);
      const { answer, final } = await other.outcome;
      if (final) return asReplay(answer);
      // The other was refused for what it was: this one may be confirmed, or have the newer lease.
    }
    const outcome = this.settle(key, request, fingerprint).finally(() => this.inFlight.delete(name));
    this.inFlight.set(name, { fingerprint, outcome });
    return (await outcome).answer;
  }

  /** Says that this process lives, for all that it is running; nothing when it runs nothing. */
  async stayAlive(): Promise<void> {
    if (this.begun > 0) await queries.stayAlive(this.database, this.bootId);
  }

  /** Ends all waiting: for executions of other processes at once, for a database that is away after the next try. */
  close(): void {
    this.closing = true;
  }

  private async settle(key: ExecutionKey, request: ActionRequest, fingerprint: string): Promise<Outcome> {
    for (;;) {
      const known = await queries.findExecution(this.database, key);
      if (known !== null && known.fingerprint !== fingerprint) return { answer: KEY_REUSED, final: false };
      if (known?.state === 'done') {
        await this.hooks.noteLease(request);
        return { answer: asReplay(answerOf(known)), final: true };
      }
      if (known !== null && known.alive && known.bootId !== this.bootId) {
        if (this.closing) return { answer: unknownOfKey(SHUTTING_DOWN), final: false };
        await wait(JOIN_POLL_MS);
        continue;
      }
      const outcome = await this.running.track((signal) =>
        this.own(key, request, fingerprint, known, signal),
      );
      if (outcome !== null) return outcome;
    }
  }

  /**
   * Makes the execution this process' own and runs it; null when another process was faster. `known` is what a dead
   * process has left, or this one when it could not tell whether its record was taken: then it has not begun either.
   */
  private async own(
    key: ExecutionKey,
    request: ActionRequest,
    fingerprint: string,
    known: Remembered | null,
    signal: AbortSignal,
  ): Promise<Outcome | null> {
    const mayHaveRun = known !== null && known.bootId !== this.bootId;
    if (mayHaveRun) {
      const repeatable = this.hooks.isRepeatable(request.action);
      if (repeatable === undefined) return { answer: unknownOfKey(NO_EXECUTOR), final: false };
      if (!repeatable) return this.interrupt(key, request);
    }
    const refused = await this.hooks.refusalOf(request, signal);
    if (refused !== null) return { answer: mayHaveRun ? unknownOfKey(refused) : refused, final: false };
    const what = { fingerprint, action: request.action, bootId: this.bootId };
    const leaseNumber = request.lease_number ?? null;
    const isOurs =
      known === null
        ? await queries.beginExecution(this.database, key, { ...what, leaseNumber })
        : await queries.takeOverExecution(this.database, key, this.bootId);
    if (!isOurs) return null;
    this.begun++;
    try {
      const outcome = await this.hooks.execute(request, signal);
      if (outcome.final) {
        const { answer, remembered } = outcome;
        const stored = await this.store(key, remembered ?? answer);
        return { answer: remembered === undefined ? stored : answer, final: true };
      }
      await this.record(() => queries.forgetExecution(this.database, key, this.bootId));
      return outcome;
    } finally {
      this.begun--;
    }
  }

  /** Settles what a dead process was running and must not run again. */
  private async interrupt(key: ExecutionKey, request: ActionRequest): Promise<Outcome | null> {
    if (!(await queries.takeOverExecution(this.database, key, this.bootId))) return null;
    return { answer: await this.store(key, refusal(request.action, INTERRUPTED)), final: true };
  }

  /** Stores an answer before anybody hears it. Returns the one that the key has from now on. */
  private async store(key: ExecutionKey, answer: HttpAnswer): Promise<HttpAnswer> {
    const stored = await this.record(() => queries.finishExecution(this.database, key, this.bootId, answer));
    if (stored !== false) return answer;
    // This process was silent for so long that another has settled the key. One key has one answer.
    const known = await this.record(() => queries.findExecution(this.database, key));
    if (known?.state !== 'done') return answer;
    this.logger.warn({ taskId: key.taskId }, 'An execution ended after its key had been settled.');
    return answerOf(known);
  }

  /**
   * Writes what must not be lost, as often as it takes: the action has run. Undefined when the process ends before the
   * database came back; the key then counts as interrupted.
   */
  private async record<T>(write: () => Promise<T>): Promise<T | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await write();
      } catch (error) {
        if (attempt === 1) {
          this.logger.warn({ err: error }, 'What became of an action cannot be recorded yet.');
        }
        if (this.closing) return undefined;
        await wait(RECORD_RETRY_MS);
      }
    }
  }
}

function answerOf(known: Remembered): HttpAnswer {
  if (known.httpStatus === null)
    return failure(500, 'The record of this execution is not complete.', 'unknown');
  return { httpStatus: known.httpStatus, body: known.response as HttpAnswer['body'] };
}
