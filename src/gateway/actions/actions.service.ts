import { limitSecondsOf } from '../../contracts/actions.js';
import { type ActionRequest } from '../../contracts/gateway-api.js';
import { type Database } from '../../platform/database/database.js';
import { DatabaseUnavailableError } from '../../platform/database/errors.js';
import { type Logger } from '../../platform/logging/logger.js';
import { ACTION_RATE, INTERNAL_ERROR, RATE_LIMITED, STOPPED } from '../../contracts/refusals.js';
import { SlidingWindow } from '../../platform/sliding-window.js';
import { readTraceContext, traceFields, traceOfLine } from '../../platform/tracing/domain/trace-context.js';
import { type Tracer } from '../../platform/tracing/tracer.js';
import { within } from '../../platform/within.js';
import { type Executor, type ExecutorAnswer } from '../executors/executor.js';
import { type Executors } from '../executors/executors.js';
import * as queries from './actions.queries.js';
import {
  type HttpAnswer,
  KEY_UNKNOWN_WITHOUT_DATABASE,
  NO_ANSWER_IN_TIME,
  NO_DATABASE,
  NO_EXECUTOR,
  refusal,
  SHUTTING_DOWN,
  staleLease,
  unanswered,
} from './answer.js';
import { KeyedExecutions, type Outcome } from './keyed-executions.js';
import { RunningActions } from './running-actions.js';

/** What is left of a shutdown's time for killed actions to end and to be recorded. */
const LAST_RECORDS_MS = 3_000;

export interface ActionsOptions {
  readonly database: Database;
  readonly executors: Executors;
  readonly logger: Logger;
  readonly tracer: Tracer;
  /** How much longer than its action may run a caller waits for the answer; the action goes on. */
  readonly answerGraceMs: number;
  /** Why a person does not want an action to run, who may be asked first; null when it may. Absent: nobody is asked. */
  readonly approval?: (request: ActionRequest, signal: AbortSignal) => Promise<string | null>;
}

/**
 * Decides whether an action may run, and has it run. The order of the checks: replay by key, lease number, rate,
 * emergency stop, and then what the executor itself asks: tier, parameters, paths, confirmation.
 */
export class ActionsService {
  private readonly database: Database;
  private readonly executors: Executors;
  private readonly logger: Logger;
  private readonly tracer: Tracer;
  private readonly answerGraceMs: number;
  private readonly approval: ActionsOptions['approval'];
  private readonly running = new RunningActions();
  private readonly rateLimit = new SlidingWindow(ACTION_RATE.actions, ACTION_RATE.windowMs);
  private readonly keyed: KeyedExecutions;
  private draining = false;
  /** An emergency stop that the database has not taken yet: it holds here until then. */
  private stopIsUnrecorded = false;
  /** How often this process was told to stop or to resume. */
  private stopOrders = 0;

  constructor({ database, executors, logger, tracer, answerGraceMs, approval }: ActionsOptions) {
    this.database = database;
    this.executors = executors;
    this.logger = logger;
    this.tracer = tracer;
    this.answerGraceMs = answerGraceMs;
    this.approval = approval;
    this.keyed = new KeyedExecutions(database, logger, this.running, {
      choose: () => executors.choose(),
      executorWithId: (id) => executors.withId(id),
      refusalOf: (request, executor, signal) => this.refusalOf(request, executor, signal),
      execute: (request, executor, signal) => this.execute(request, executor, signal),
      recall: (request, executor, signal) => this.recall(request, executor, signal),
      noteLease: async ({ task_id: taskId, lease_number: leaseNumber }) => {
        if (taskId !== undefined && leaseNumber !== undefined) {
          await queries.seeLease(database, taskId, leaseNumber);
        }
      },
    });
  }

  get isDraining(): boolean {
    return this.draining;
  }

  get hasAgent(): boolean {
    return !this.draining && this.executors.hasAgent;
  }

  /** Whether somebody is there who executes actions, whoever it is. */
  get isReady(): boolean {
    return !this.draining && this.executors.choose() !== undefined;
  }

  /** Whether the emergency stop holds. */
  async isStopped(): Promise<boolean> {
    return this.stopIsUnrecorded || (await queries.isStopped(this.database));
  }

  /** How many actions this process runs, or is about to. */
  get load(): number {
    return this.running.count;
  }

  /** Answers an action request. A caller that hangs up changes nothing: the action goes on, and its key replays it. */
  async handle(request: ActionRequest): Promise<HttpAnswer> {
    const answer = this.settle(request);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<HttpAnswer>((resolve) => {
      timer = setTimeout(
        () => resolve(NO_ANSWER_IN_TIME),
        limitSecondsOf(request.action, request.params) * 1_000 + this.answerGraceMs,
      );
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Says that this process lives, for all that it is running; nothing when it runs nothing. */
  stayAlive(): Promise<void> {
    return this.keyed.stayAlive();
  }

  /**
   * Ends what runs here and tells the agent when the emergency stop, or its end, was given to another process; and writes
   * down one that was given to this process while the database was away. Asks nothing when nothing runs and nobody is to
   * be told.
   */
  async heedStop(): Promise<void> {
    if (this.stopIsUnrecorded) await this.recordStop();
    const { hasListeners, backgroundCount } = this.executors;
    if (this.running.count === 0 && backgroundCount === 0 && !hasListeners) return;
    const those = this.running.snapshot();
    const orders = this.stopOrders;
    const stopped = await queries.isStopped(this.database);
    // What was ordered here meanwhile is newer than the answer.
    if (orders !== this.stopOrders) return;
    this.executors.heedStop(stopped);
    if (!stopped) return;
    this.running.halt('emergency stop', those);
    await this.executors.endBackground();
  }

  /**
   * Kills the actions that run and refuses all others from now on: here at once, and in every process on this database
   * and after a restart as soon as the database has taken it. False when nobody is there to be stopped: it then holds for
   * whoever comes. Rejects when the database is away; what was stopped here stays so, and it is written down later.
   */
  async stop(): Promise<boolean> {
    this.stopIsUnrecorded = true;
    this.stopOrders++;
    this.executors.heedStop(true);
    this.running.halt('emergency stop');
    await this.executors.endBackground();
    await this.recordStop();
    return this.executors.choose() !== undefined;
  }

  /** Takes actions again. False, and nothing changes, when nobody is there to take them. */
  async resume(): Promise<boolean> {
    if (this.executors.choose() === undefined) return false;
    await queries.setStopped(this.database, false);
    this.stopIsUnrecorded = false;
    this.stopOrders++;
    this.executors.heedStop(false);
    return true;
  }

  /** Begins nothing new, waits until nothing runs any more, at most `limitMs`, then kills what is left and records it. */
  async drain(limitMs: number): Promise<void> {
    this.draining = true;
    await within(limitMs, this.running.ended());
    this.running.halt('shutdown');
    await within(LAST_RECORDS_MS, this.running.ended());
    await this.executors.endBackground();
    this.keyed.close();
  }

  private async recordStop(): Promise<void> {
    await queries.setStopped(this.database, true);
    this.stopIsUnrecorded = false;
  }

  private async settle(request: ActionRequest): Promise<HttpAnswer> {
    const { task_id: taskId, idempotency_key: idempotencyKey } = request;
    const key = taskId === undefined || idempotencyKey === undefined ? undefined : { taskId, idempotencyKey };
    try {
      if (key !== undefined) return await this.keyed.answer(key, request);
      return await this.running.track(async (signal) => {
        const executor = this.executors.choose();
        if (executor === undefined) return NO_EXECUTOR;
        const refused = await this.refusalOf(request, executor, signal);
        return refused ?? (await this.execute(request, executor, signal)).answer;
      });
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
      // Executing asks no database, so a request without a key has not begun.
      return key === undefined ? NO_DATABASE : KEY_UNKNOWN_WITHOUT_DATABASE;
    }
  }

  private async execute(request: ActionRequest, executor: Executor, signal: AbortSignal): Promise<Outcome> {
    const began = performance.now();
    try {
      const denied = (await this.approval?.(request, signal)) ?? null;
      if (signal.aborted) return { answer: this.halted(request.action, signal), key: 'unused' };
      // Whoever sends the key again hears the same, and nobody is asked twice.
      if (denied !== null) return { answer: refusal(request.action, denied), key: 'settled' };
      const answer = await this.runTraced(request, executor, signal);
      return this.outcomeOf(answer, request, signal, { executor: executor.id, began });
    } catch (error) {
      return this.internalError(error, request);
    }
  }

  private async runTraced(
    request: ActionRequest,
    executor: Executor,
    signal: AbortSignal,
  ): Promise<ExecutorAnswer> {
    const span = this.tracer.start('action', {
      parent: readTraceContext(request),
      attributes: {
        'skynet.task.action': request.action,
        'skynet.executor': executor.name,
        ...(request.task_id === undefined ? {} : { 'skynet.task.id': request.task_id }),
      },
    });
    try {
      const answer = await executor.run({ ...request, ...traceFields(span.context) }, signal);
      span.set({ 'skynet.action.answer': answer.kind });
      if (answer.kind === 'executed') span.set({ 'process.exit.code': answer.result.returncode });
      return answer;
    } finally {
      span.end();
    }
  }

  private async recall(
    request: ActionRequest,
    executor: Executor,
    signal: AbortSignal,
  ): Promise<Outcome | null> {
    const began = performance.now();
    try {
      const answer = (await executor.memory?.recall(request, signal)) ?? null;
      if (answer === null) return null;
      return this.outcomeOf(answer, request, signal, { executor: executor.id, began });
    } catch (error) {
      return this.internalError(error, request);
    }
  }

  private outcomeOf(
    answer: ExecutorAnswer,
    request: ActionRequest,
    signal: AbortSignal,
    { executor, began }: { readonly executor: string; readonly began: number },
  ): Outcome {
    const { action } = request;
    switch (answer.kind) {
      case 'executed': {
        const { returncode } = answer.result;
        const ms = Math.round(performance.now() - began);
        this.logger.info({ ...lineOf(request), executor, returncode, ms }, 'Action executed.');
        const body = { status: 'success', action, result: answer.result } as const;
        return { answer: { httpStatus: 200, body }, key: 'settled' };
      }
      case 'interrupted':
        this.logger.warn({ ...lineOf(request), executor }, 'An action was broken off.');
        return { answer: refusal(action, answer.error), key: 'settled' };
      case 'refused':
        this.logger.debug({ ...lineOf(request), executor }, 'An action was refused.');
        return { answer: refusal(action, answer.error), key: 'unused' };
      case 'halted':
        return { answer: this.halted(action, signal), key: 'unused' };
      case 'unanswered':
        this.logger.warn(
          { ...lineOf(request), executor, outcome: answer.outcome, reason: answer.error },
          'An action was not answered.',
        );
        return {
          answer: unanswered(action, answer),
          key: answer.outcome === 'unknown' ? 'open' : 'unused',
        };
    }
  }

  /** How far an action came cannot be told, so its key must not run again. */
  private internalError(error: unknown, request: ActionRequest): Outcome {
    this.logger.error({ err: error, ...lineOf(request) }, 'An executor failed.');
    return { answer: refusal(request.action, INTERNAL_ERROR), key: 'settled' };
  }

  /** Why an action may not begin now, in the order of the checks; null when it may. */
  private async refusalOf(
    request: ActionRequest,
    executor: Executor,
    signal: AbortSignal,
  ): Promise<HttpAnswer | null> {
    const { action, task_id: taskId, lease_number: leaseNumber } = request;
    if (taskId !== undefined && leaseNumber !== undefined) {
      const highest = await queries.seeLease(this.database, taskId, leaseNumber);
      if (leaseNumber < highest) return staleLease(taskId, leaseNumber, highest);
    }
    if (!this.rateLimit.take()) return refusal(action, RATE_LIMITED);
    if (await this.isStopped()) return refusal(action, STOPPED);
    const refused = await executor.refusalOf(request);
    if (refused !== null) return refusal(action, refused);
    return signal.aborted || this.draining ? this.halted(action, signal) : null;
  }

  private halted(action: string, signal: AbortSignal): HttpAnswer {
    return signal.reason === 'emergency stop' ? refusal(action, STOPPED) : SHUTTING_DOWN;
  }
}

/** What a line of the log says of the action that it is about. */
function lineOf(request: ActionRequest): object {
  const { action, task_id: taskId, lease_number: leaseNumber } = request;
  return { action, taskId, leaseNumber, ...traceOfLine(readTraceContext(request)) };
}
