import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type ActionRequest } from '../../contracts/gateway-api.js';
import { type Database } from '../../platform/database/database.js';
import { DatabaseUnavailableError } from '../../platform/database/errors.js';
import { canonicalJson } from '../../platform/json/canonical-json.js';
import { type Logger } from '../../platform/logging/logger.js';
import { chooseExecutor, type Executor } from '../executors/executor.js';
import * as queries from './actions.queries.js';
import { type ExecutionKey, type Remembered } from './actions.queries.js';
import { asReplay, failure, fromExecutor, type HttpAnswer, refusal } from './answer.js';
import { ActionRateLimit, RATE_LIMIT_REFUSAL } from './rate-limit.js';

/** How often a caller whose execution runs in another process looks whether it is over. */
const JOIN_POLL_MS = 250;
const STORE_RETRY_MS = 500;

const STOPPED = 'Emergency stop is active — all execution suspended.';
const INTERRUPTED = 'The gateway stopped while this action ran; whether it took effect is unknown.';

/**
 * Executes actions, each key once.
 *
 * An execution with a key is written down as running before it begins and as done, with its answer, before anybody
 * hears of its end. Whoever sends the same key again joins it or gets its answer. What a dead process left running is
 * run again only if that does no harm; any other is told, for good, to have been interrupted.
 */
export class ActionsService {
  private readonly bootId = randomUUID();
  private readonly running = new Map<string, Promise<HttpAnswer>>();
  private readonly aborts = new Set<AbortController>();
  private readonly rateLimit = new ActionRateLimit();

  constructor(
    private readonly database: Database,
    private readonly executors: readonly Executor[],
    private readonly logger: Logger,
  ) {}

  get runningCount(): number {
    return this.aborts.size;
  }

  /** Answers an action request. A caller that hangs up changes nothing: the action goes on, and its key replays it. */
  async handle(request: ActionRequest): Promise<HttpAnswer> {
    const { task_id: taskId, idempotency_key: idempotencyKey } = request;
    if (taskId === undefined || idempotencyKey === undefined) {
      const refused = await this.refusalOf(request);
      return refused ?? this.execute(request);
    }
    const key = { taskId, idempotencyKey };
    const name = JSON.stringify([taskId, idempotencyKey]);
    const fingerprint = createHash('sha256')
      .update(canonicalJson([request.action, request.params]))
      .digest('hex');
    for (;;) {
      const remembered = await queries.findExecution(this.database, key);
      if (remembered !== null && remembered.fingerprint !== fingerprint) {
        return failure(
          409,
          'This idempotency_key was used for another action or other params.',
          'not_executed',
        );
      }
      const mine = this.running.get(name);
      if (mine !== undefined) return asReplay(await mine);
      const answer = await this.join(key, remembered, request, fingerprint, name);
      if (answer !== null) return answer;
    }
  }

  /** Says that this process lives, for all that it is running; nothing when it runs nothing. */
  async stayAlive(): Promise<void> {
    if (this.running.size > 0) await queries.stayAlive(this.database, this.bootId);
  }

  /** Refuses all actions from now on, here and after a restart, and kills those that run. */
  async stop(): Promise<void> {
    await queries.setStopped(this.database, true);
    this.abortAll();
  }

  async resume(): Promise<void> {
    await queries.setStopped(this.database, false);
  }

  /** Kills what runs; each execution is then recorded as killed. */
  abortAll(): void {
    for (const abort of this.aborts) abort.abort();
  }

  /** Waits until nothing runs any more, at most `limitMs`. */
  async drain(limitMs: number): Promise<void> {
    const late = wait(limitMs, undefined, { ref: false });
    await Promise.race([Promise.allSettled(this.running.values()), late]);
    this.abortAll();
    await Promise.allSettled(this.running.values());
  }

  /** One step towards the answer for a key; null means: look again. */
  private async join(
    key: ExecutionKey,
    remembered: Remembered | null,
    request: ActionRequest,
    fingerprint: string,
    name: string,
  ): Promise<HttpAnswer | null> {
    if (remembered === null) {
      const refused = await this.refusalOf(request);
      if (refused !== null) return refused;
      const what = { fingerprint, action: request.action, bootId: this.bootId };
      return (await queries.beginExecution(this.database, key, what)) ? this.own(name, key, request) : null;
    }
    if (remembered.state === 'done') {
      const answer = {
        httpStatus: remembered.httpStatus ?? 200,
        body: remembered.response as HttpAnswer['body'],
      };
      return asReplay(answer);
    }
    if (remembered.alive || !(await queries.takeOverExecution(this.database, key, this.bootId))) {
      await wait(JOIN_POLL_MS);
      return null;
    }
    const executor = chooseExecutor(this.executors);
    if (executor?.isRepeatable(request.action) === true) return this.own(name, key, request);
    const answer = refusal(request.action, INTERRUPTED);
    await this.store(key, answer);
    return answer;
  }

  /** Runs what this process has written down as its own. */
  private own(name: string, key: ExecutionKey, request: ActionRequest): Promise<HttpAnswer> {
    const work = (async () => {
      const answer = await this.execute(request);
      if ('result' in answer.body) await this.store(key, answer);
      else await queries.forgetExecution(this.database, key, this.bootId);
      return answer;
    })().finally(() => this.running.delete(name));
    this.running.set(name, work);
    return work;
  }

  private async execute(request: ActionRequest): Promise<HttpAnswer> {
    const executor = chooseExecutor(this.executors);
    if (executor === undefined) return NO_EXECUTOR;
    const abort = new AbortController();
    this.aborts.add(abort);
    try {
      return fromExecutor(request.action, await executor.run(request, abort.signal));
    } finally {
      this.aborts.delete(abort);
    }
  }

  /** Why an action may not begin now, in the order of the checks; null when it may. */
  private async refusalOf(request: ActionRequest): Promise<HttpAnswer | null> {
    const { action, task_id: taskId, lease_number: leaseNumber } = request;
    if (taskId !== undefined && leaseNumber !== undefined) {
      const highest = await queries.seeLease(this.database, taskId, leaseNumber);
      if (leaseNumber < highest) {
        const error = `Stale lease number ${leaseNumber} for task ${taskId}; ${highest} has been seen.`;
        return failure(409, error, 'not_executed');
      }
    }
    if (chooseExecutor(this.executors) === undefined) return NO_EXECUTOR;
    if (!this.rateLimit.take()) return refusal(action, RATE_LIMIT_REFUSAL);
    return (await queries.isStopped(this.database)) ? refusal(action, STOPPED) : null;
  }

  /** Stores an answer before anybody hears it; waits for a database that is away, since the action has run. */
  private async store(key: ExecutionKey, answer: HttpAnswer): Promise<void> {
    for (;;) {
      try {
        if (!(await queries.finishExecution(this.database, key, this.bootId, answer))) {
          this.logger.warn({ taskId: key.taskId }, 'An execution ended after it had been taken for dead.');
        }
        return;
      } catch (error) {
        if (!(error instanceof DatabaseUnavailableError)) throw error;
        await wait(STORE_RETRY_MS);
      }
    }
  }
}

const NO_EXECUTOR = failure(503, 'No agent connected and SSH fallback is not configured.', 'not_executed');
