import { createHash } from 'node:crypto';
import { type ActionRunner, type HaltReason } from '../../actions/index.js';
import { type ActionRequestFrame, type ActionResponseFrame } from '../../contracts/agent-socket.js';
import { type ActionResult } from '../../contracts/gateway-api.js';
import {
  ACTION_RATE,
  INTERNAL_ERROR,
  KEY_USED_OTHERWISE,
  RATE_LIMITED,
  STOPPED,
} from '../../contracts/refusals.js';
import { canonicalJson } from '../../platform/json/canonical-json.js';
import { type Logger } from '../../platform/logging/logger.js';
import { SlidingWindow } from '../../platform/sliding-window.js';
import { readTraceContext, traceFields, traceOfLine } from '../../platform/tracing/domain/trace-context.js';
import { type Tracer } from '../../platform/tracing/tracer.js';
import { within } from '../../platform/within.js';
import { type AuditLog } from '../audit/audit-log.js';
import { type Operator } from '../operator/operator.js';
import { type ExecutionKey, type ExecutionMemory } from './execution-memory.js';

const INTERRUPTED = 'The agent stopped while this action ran; whether it took effect is unknown.';
const SHUTTING_DOWN = 'The agent is shutting down.';
const NOT_REMEMBERED = 'This agent has not run it.';
/** Actions at once, those included that wait for their turn or for a person. */
const MAX_AT_ONCE = 256;
const TOO_MANY = `This agent has ${MAX_AT_ONCE} actions at once already.`;
/** How long killed actions may take to end and to be recorded. */
const LAST_RECORDS_MS = 3_000;

/** What has become of a request. */
export type Decision =
  | { readonly kind: 'executed'; readonly result: ActionResult; readonly replay: boolean }
  /** It was decided against. */
  | { readonly kind: 'refused'; readonly error: string }
  /** It could not be taken on, and has not begun. */
  | { readonly kind: 'not-executed'; readonly error: string }
  /** It began, and how far it came nobody can tell. */
  | { readonly kind: 'interrupted'; readonly error: string };

interface InFlight {
  readonly fingerprint: string;
  readonly decision: Promise<Decision>;
}

export interface ActionDeskOptions {
  readonly runner: ActionRunner;
  readonly memory: ExecutionMemory;
  readonly audit: AuditLog;
  readonly operator: Operator;
  readonly logger: Logger;
  readonly tracer: Tracer;
}

/**
 * Decides on what the gateway asks for and has it carried out. The order of the checks: memory, rate, emergency stop, then
 * those of the runner: tier, parameters, paths, confirmation, turn. Last the audit.
 *
 * A key is taken before the first look at the disk, so that its duplicates join it. It is written down before its action
 * begins, and its result before anybody hears of it. What an earlier life had begun is run again only if that does no
 * harm; any other is told to have been interrupted.
 */
export class ActionDesk {
  private readonly rate = new SlidingWindow(ACTION_RATE.actions, ACTION_RATE.windowMs);
  private readonly inFlight = new Map<string, InFlight>();
  private readonly running = new Map<AbortController, Promise<unknown>>();
  private stopped = false;
  private draining = false;

  constructor(private readonly options: ActionDeskOptions) {}

  /** Never rejects. */
  async handle(request: ActionRequestFrame): Promise<ActionResponseFrame> {
    const began = performance.now();
    const decision = await this.decide(request).catch((error: unknown): Decision => {
      this.options.logger.error({ err: error, ...lineOf(request) }, 'A request could not be decided on.');
      // This request has begun nothing; of an earlier one, which a recall asks for, that cannot be said.
      return { kind: isRecall(request) ? 'interrupted' : 'not-executed', error: INTERNAL_ERROR };
    });
    if (!(isRecall(request) && decision.kind === 'not-executed')) {
      await this.options.audit.note(request, decision, performance.now() - began);
    }
    return responseOf(request, decision);
  }

  /** Kills what runs, and refuses everything until {@link resume}. */
  stop(): void {
    if (!this.stopped) this.options.logger.warn('Emergency stop.');
    this.stopped = true;
    this.halt('emergency stop');
    void this.options.runner.background.end();
  }

  resume(): void {
    if (this.stopped) this.options.logger.warn('Actions are taken again.');
    this.stopped = false;
  }

  /** Begins nothing new, waits until nothing runs any more, at most `limitMs`, then kills what is left and records it. */
  async drain(limitMs: number): Promise<void> {
    this.draining = true;
    await this.ended(limitMs);
    this.halt('shutdown');
    await this.ended(LAST_RECORDS_MS);
    await this.options.runner.background.end();
  }

  private halt(reason: HaltReason): void {
    for (const abort of this.running.keys()) abort.abort(reason);
    this.options.operator.denyAll();
  }

  private async ended(limitMs: number): Promise<void> {
    await within(limitMs, Promise.all(this.running.values()));
  }

  private async decide(request: ActionRequestFrame): Promise<Decision> {
    const key = keyOf(request);
    if (key === undefined) return this.run(request);
    const name = JSON.stringify([key.taskId, key.idempotencyKey]);
    const fingerprint = createHash('sha256')
      .update(canonicalJson([request.action, request.params]))
      .digest('hex');
    for (;;) {
      const other = this.inFlight.get(name);
      if (other === undefined) break;
      if (other.fingerprint !== fingerprint) return { kind: 'refused', error: KEY_USED_OTHERWISE };
      const decision = await other.decision.catch(() => undefined);
      if (decision?.kind === 'executed') return { ...decision, replay: true };
      if (decision?.kind === 'interrupted') return decision;
      // The other was refused for what it was: this one may be confirmed.
    }
    const decision = this.settle(request, { key, fingerprint }).finally(() => this.inFlight.delete(name));
    this.inFlight.set(name, { fingerprint, decision });
    return decision;
  }

  private async settle(
    request: ActionRequestFrame,
    named: { readonly key: ExecutionKey; readonly fingerprint: string },
  ): Promise<Decision> {
    const { memory, runner } = this.options;
    const known = await memory.find(named.key);
    if (known !== undefined) {
      if (known.fingerprint !== named.fingerprint) return { kind: 'refused', error: KEY_USED_OTHERWISE };
      if (known.result !== undefined) return { kind: 'executed', result: known.result, replay: true };
      if (!runner.isRepeatable(request.action)) return { kind: 'interrupted', error: INTERRUPTED };
    }
    return isRecall(request) ? { kind: 'not-executed', error: NOT_REMEMBERED } : this.run(request, named);
  }

  private async run(
    request: ActionRequestFrame,
    named?: { readonly key: ExecutionKey; readonly fingerprint: string },
  ): Promise<Decision> {
    if (this.draining) return { kind: 'not-executed', error: SHUTTING_DOWN };
    if (this.running.size >= MAX_AT_ONCE) return { kind: 'not-executed', error: TOO_MANY };
    if (!this.rate.take()) return { kind: 'refused', error: RATE_LIMITED };
    if (this.stopped) return { kind: 'refused', error: STOPPED };
    const abort = new AbortController();
    const decision = this.carryOut(request, named, abort.signal);
    this.running.set(
      abort,
      decision.catch(() => undefined),
    );
    return decision.finally(() => this.running.delete(abort));
  }

  private async carryOut(
    request: ActionRequestFrame,
    named: { readonly key: ExecutionKey; readonly fingerprint: string } | undefined,
    signal: AbortSignal,
  ): Promise<Decision> {
    const { runner, memory, logger } = this.options;
    const refused = await runner.refusalOf(request);
    if (signal.aborted) return halted(signal);
    if (refused !== null) return { kind: 'refused', error: refused };
    if (named !== undefined) {
      try {
        await memory.begin(named.key, named.fingerprint);
      } catch (error) {
        logger.error(
          { err: error, ...lineOf(request) },
          'An action did not begin, since that cannot be written down.',
        );
        return { kind: 'not-executed', error: INTERNAL_ERROR };
      }
    }
    let answer: Awaited<ReturnType<ActionRunner['run']>>;
    try {
      answer = await this.runTraced(request, signal);
    } catch (error) {
      logger.error({ err: error, ...lineOf(request) }, 'An action failed within the agent.');
      return { kind: 'interrupted', error: INTERNAL_ERROR };
    }
    if (answer.kind === 'executed') {
      const { result } = answer;
      if (named !== undefined) await memory.finish(named.key, { fingerprint: named.fingerprint, result });
      return { kind: 'executed', result, replay: false };
    }
    if (named !== undefined) await memory.forget(named.key);
    return answer.kind === 'halted' ? halted(signal) : answer;
  }

  private async runTraced(
    request: ActionRequestFrame,
    signal: AbortSignal,
  ): Promise<Awaited<ReturnType<ActionRunner['run']>>> {
    const span = this.options.tracer.start('action', {
      parent: readTraceContext(request),
      attributes: {
        'skynet.task.action': request.action,
        'skynet.executor': 'machine',
        ...(request.task_id === undefined ? {} : { 'skynet.task.id': request.task_id }),
      },
    });
    try {
      const answer = await this.options.runner.run({ ...request, ...traceFields(span.context) }, signal);
      span.set({ 'skynet.action.answer': answer.kind });
      if (answer.kind === 'executed') span.set({ 'process.exit.code': answer.result.returncode });
      return answer;
    } finally {
      span.end();
    }
  }
}

function halted(signal: AbortSignal): Decision {
  return signal.reason === 'emergency stop'
    ? { kind: 'refused', error: STOPPED }
    : { kind: 'not-executed', error: SHUTTING_DOWN };
}

/** What a line of the log says of the request that it is about. */
function lineOf(request: ActionRequestFrame): object {
  const { action, task_id: taskId } = request;
  return { action, taskId, ...traceOfLine(readTraceContext(request)) };
}

const isRecall = ({ recall }: ActionRequestFrame): boolean => recall === true;

function keyOf({ task_id, idempotency_key }: ActionRequestFrame): ExecutionKey | undefined {
  return task_id === undefined || idempotency_key === undefined
    ? undefined
    : { taskId: task_id, idempotencyKey: idempotency_key };
}

function responseOf({ request_id, action }: ActionRequestFrame, decision: Decision): ActionResponseFrame {
  const base = { type: 'action_response', request_id, action } as const;
  switch (decision.kind) {
    case 'executed': {
      const { result, replay } = decision;
      return { ...base, status: 'success', result, ...(replay ? { idempotent_replay: true } : {}) };
    }
    case 'refused':
      return { ...base, status: 'error', error: decision.error };
    case 'not-executed':
      return { ...base, status: 'error', error: decision.error, outcome: 'not_executed' };
    case 'interrupted':
      return { ...base, status: 'error', error: decision.error, outcome: 'unknown' };
  }
}
