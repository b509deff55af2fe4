import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type ActionRequest } from '../../contracts/gateway-api.js';
import { type Database } from '../../platform/database/database.js';
import { canonicalJson } from '../../platform/json/canonical-json.js';
import { type Logger } from '../../platform/logging/logger.js';
import * as queries from './actions.queries.js';
import { type ExecutionKey, type Remembered } from './actions.queries.js';
import { type Executor } from '../executors/executor.js';
import {
  ANSWER_LOST,
  asReplay,
  failure,
  HOLDER_AWAY,
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

/**
 * An answer, and what it makes of its key. `settled`: it is the key's answer for good. `unused`: nothing has run under it.
 * `open`: whoever was given it may have run it or be at it still, and only he may be asked again.
 */
export interface Outcome {
  readonly answer: HttpAnswer;
  readonly key: 'settled' | 'unused' | 'open';
}

/** What deciding and running is done with. */
export interface ExecutionHooks {
  /** Who would execute an action now; undefined when nobody can. */
  choose(): Executor | undefined;
  /** The one who was given a key; undefined when he is away. */
  executorWithId(id: string): Executor | undefined;
  /** Why an action may not begin now; null when it may. */
  refusalOf(request: ActionRequest, executor: Executor, signal: AbortSignal): Promise<HttpAnswer | null>;
  /** Never rejects. */
  execute(request: ActionRequest, executor: Executor, signal: AbortSignal): Promise<Outcome>;
  /** What the executor knows of a key that it was given; null when it has not run it. Never rejects. */
  recall(request: ActionRequest, executor: Executor, signal: AbortSignal): Promise<Outcome | null>;
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
 * answer. A process renews what it runs on the database's clock.
 *
 * A key belongs to the executor that it was given to until it is certain that it has not run there. When the answer was
 * lost, or the process died that waited for it, that executor is asked what it remembers, and nobody else is given the
 * key. One that remembers nothing (this machine) runs it again only if that does no harm; any other is told, for good, to
 * have been interrupted.
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
      const outcome = await other.outcome;
      if (outcome.key === 'settled') return asReplay(outcome.answer);
      if (outcome.key === 'open') return outcome.answer;
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
      if (known !== null && known.fingerprint !== fingerprint) return { answer: KEY_REUSED, key: 'unused' };
      if (known?.state === 'done') {
        await this.hooks.noteLease(request);
        return { answer: asReplay(answerOf(known)), key: 'settled' };
      }
      if (known?.state === 'running' && known.alive && known.bootId !== this.bootId) {
        if (this.closing) return { answer: unknownOfKey(SHUTTING_DOWN), key: 'open' };
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
   * Makes the execution this process' own and runs it; null when there is something new to look at: another process was
   * faster, or the key turned out to be unused. `known` is what a dead process has left or nobody waits for, or this one
   * when it could not tell whether its record was taken: then it has not begun either.
   */
  private async own(
    key: ExecutionKey,
    request: ActionRequest,
    fingerprint: string,
    known: Remembered | null,
    signal: AbortSignal,
  ): Promise<Outcome | null> {
    const mayHaveRun = known !== null && (known.state === 'unanswered' || known.bootId !== this.bootId);
    if (mayHaveRun && known.recallable) return this.recall(key, request, known.executorId, signal);
    // Nobody remembers what became of it, so only its own executor could repeat it, and only if that does no harm.
    const executor = mayHaveRun ? this.hooks.executorWithId(known.executorId) : this.hooks.choose();
    if (mayHaveRun && executor?.isRepeatable(request.action) !== true) {
      return this.interrupt(key, request, known.state === 'unanswered' ? ANSWER_LOST : INTERRUPTED);
    }
    if (executor === undefined) return { answer: NO_EXECUTOR, key: 'unused' };
    const refused = await this.hooks.refusalOf(request, executor, signal);
    if (refused !== null) {
      return mayHaveRun ? { answer: unknownOfKey(refused), key: 'open' } : { answer: refused, key: 'unused' };
    }
    const given = { executorId: executor.id, recallableSeconds: executor.memory?.seconds ?? null };
    const what = { fingerprint, action: request.action, bootId: this.bootId, executor: given };
    const isOurs =
      known === null
        ? await queries.beginExecution(this.database, key, {
            ...what,
            leaseNumber: request.lease_number ?? null,
          })
        : await queries.takeOverExecution(this.database, key, this.bootId, given);
    return isOurs ? this.attend(key, request, () => this.hooks.execute(request, executor, signal)) : null;
  }

  /** Asks the executor that was given a key what became of it; null when the key turned out to be unused. */
  private async recall(
    key: ExecutionKey,
    request: ActionRequest,
    executorId: string,
    signal: AbortSignal,
  ): Promise<Outcome | null> {
    const executor = this.hooks.executorWithId(executorId);
    if (executor === undefined) return { answer: HOLDER_AWAY, key: 'open' };
    await this.hooks.noteLease(request);
    if (!(await queries.takeOverExecution(this.database, key, this.bootId))) return null;
    const outcome = await this.attend(key, request, () => this.hooks.recall(request, executor, signal));
    return outcome?.key === 'settled' ? { ...outcome, answer: asReplay(outcome.answer) } : outcome;
  }

  /** Waits for what becomes of an execution, saying meanwhile that this process lives, and writes it down. */
  private async attend<T extends Outcome | null>(
    key: ExecutionKey,
    request: ActionRequest,
    work: () => Promise<T>,
  ): Promise<T | Outcome> {
    this.begun++;
    try {
      const outcome = await work();
      switch (outcome?.key) {
        case 'settled':
          return { answer: await this.store(key, request, outcome.answer), key: 'settled' };
        case 'open':
          await this.record(() => queries.leaveExecutionOpen(this.database, key, this.bootId));
          return outcome;
        case 'unused':
        case undefined:
          await this.record(() => queries.forgetExecution(this.database, key, this.bootId));
          return outcome;
      }
    } finally {
      this.begun--;
    }
  }

  /** Settles what was broken off, or whose answer was lost, and must not run again. */
  private async interrupt(key: ExecutionKey, request: ActionRequest, why: string): Promise<Outcome | null> {
    if (!(await queries.takeOverExecution(this.database, key, this.bootId))) return null;
    return { answer: await this.store(key, request, refusal(request.action, why)), key: 'settled' };
  }

  /** Stores an answer before anybody hears it. Returns the one that the key has from now on. */
  private async store(key: ExecutionKey, request: ActionRequest, answer: HttpAnswer): Promise<HttpAnswer> {
    const stored = await this.record(() => queries.finishExecution(this.database, key, this.bootId, answer));
    if (stored !== false) return answer;
    // This process was silent for so long that another has settled the key. One key has one answer.
    const known = await this.record(() => queries.findExecution(this.database, key));
    if (known?.state !== 'done') return answer;
    const { lease_number: leaseNumber } = request;
    this.logger.warn(
      { taskId: key.taskId, leaseNumber },
      'An execution ended after its key had been settled.',
    );
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
