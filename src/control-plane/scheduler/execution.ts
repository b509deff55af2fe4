import { setTimeout as wait } from 'node:timers/promises';
import { type LeasedFile } from '../../contracts/gateway-api.js';
import { DatabaseUnavailableError } from '../../platform/database/errors.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type TraceContext, traceOfLine } from '../../platform/tracing/domain/trace-context.js';
import { type Span, type Tracer } from '../../platform/tracing/tracer.js';
import { type DispatchOutcome, type GatewayAddress, type GatewayClient } from '../gateway-client/index.js';
import {
  type ClaimedTask,
  type ClaimProof,
  type ClaimsService,
  type EndingsService,
  type LedgerMetrics,
} from '../ledger/index.js';
import { type RegistryService } from '../registry/index.js';
import { RoutingService } from '../routing/index.js';
import { type DispatchMetrics, type DispatchResult } from './dispatch.metrics.js';
import { type Verdict, verdictOf } from './domain/verdict.js';
import { Progress, type ProgressParts } from './progress.js';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

export interface ExecutionParts extends ProgressParts {
  readonly claims: ClaimsService;
  readonly endings: EndingsService;
  readonly registry: RegistryService;
  readonly client: GatewayClient;
  readonly ledgerMetrics: LedgerMetrics;
  readonly metrics: DispatchMetrics;
  readonly tracer: Tracer;
}

/**
 * One claimed task on its way through a gateway: start, send, wait, record. No transaction is open while the gateway
 * works. Whatever interrupts it, the execution key is in the ledger before the first byte is sent, so that whoever takes
 * the task over asks for the same execution.
 */
export class Execution {
  readonly proof: ClaimProof;
  readonly leaseSeconds: number;
  /** When the lease was last seen to begin, on this process' clock: used only to stop trusting it sooner. */
  renewedAtMs = performance.now();
  private readonly lost = new AbortController();
  private readonly leaving = new AbortController();

  private readonly key: string;
  private readonly progress: Progress;
  private readonly logger: Logger;

  constructor(
    private readonly task: ClaimedTask,
    readonly gateway: GatewayAddress,
    /** Where the trace of the task goes on. */
    private readonly trace: TraceContext | null,
    private readonly parts: ExecutionParts,
  ) {
    this.proof = { taskId: task.id, workerId: task.lockedBy, claimToken: task.claimToken };
    this.leaseSeconds = task.leaseSeconds;
    const { gatewayId } = gateway;
    const line = { taskId: task.id, leaseNumber: task.leaseNumber, gatewayId, ...traceOfLine(trace) };
    this.logger = parts.logger.child(line);
    this.progress = new Progress(this.proof, gatewayId, { ...parts, logger: this.logger });
    if (task.dispatchKey === null)
      throw new Error(`Task ${task.id} was claimed without the key of its execution.`);
    this.key = task.dispatchKey;
  }

  /** The claim has gone to somebody else, or the task was cancelled: its outcome is no longer ours to tell. */
  abandon(): void {
    this.lost.abort();
  }

  /** This process is leaving: hand the task back with its key, so that another replica asks for the same execution. */
  handBack(): void {
    this.leaving.abort();
  }

  /** Runs to the end, whatever that is. Never throws. */
  async run(): Promise<void> {
    const beganMs = performance.now();
    this.logger.debug(
      { action: this.task.action, attempt: this.task.attempts },
      'A task is sent to a gateway.',
    );
    try {
      const verdict = await this.ask(this.key).finally(() => this.progress.end());
      this.parts.metrics.dispatches[this.resultOf(verdict)].observe((performance.now() - beganMs) / 1_000);
      if (verdict !== null) await this.record(verdict);
      this.logger.debug({ result: this.resultOf(verdict) }, 'A dispatch has ended.');
    } catch (error) {
      // The lease runs out, and the reaper gives the task, with its key if it was started, to the next dispatcher.
      this.logger.warn({ err: error }, 'A dispatch could not be brought to its end.');
    }
  }

  private async ask(key: string): Promise<Exclude<Verdict, { do: 'ask-again' }> | null> {
    const { task, gateway } = this;
    const { action, params, id: taskId, leaseNumber } = task;
    const order = { action, params, confirmed: true, taskId, key, leaseNumber, files: leasedFilesOf(task) };
    const timeoutMs = RoutingService.timeoutMsOf(task.action, task.params);
    const end = performance.now() + timeoutMs;
    const interrupted = AbortSignal.any([this.lost.signal, this.leaving.signal]);
    // A new execution goes by the token of the claim that started it.
    let keyMayHaveRun = this.key !== task.claimToken;
    let pauseMs = FIRST_PAUSE_MS;
    for (let attempt = 1; ; attempt++) {
      const timeLeft = Math.max(1, end - performance.now());
      const options = { signal: interrupted, timeoutMs: timeLeft, watcher: this.progress };
      const span = this.startDispatch(attempt);
      const traced = { ...order, trace: span.context };
      const outcome = keyMayHaveRun
        ? await this.parts.client.askAgain(gateway, traced, options)
        : await this.parts.client.execute(gateway, traced, options);
      endDispatch(span, outcome);
      this.parts.metrics.attempts[outcome.kind === 'not-executed' ? 'not_executed' : outcome.kind].inc();
      if (this.isLost()) return null;
      if (this.isLeaving() && outcome.kind === 'unknown') return this.handedBack();
      if (outcome.kind === 'not-executed' || outcome.kind === 'unknown') await this.reportTrouble(outcome);
      const verdict = verdictOf(outcome, {
        keyMayHaveRun,
        timeIsUp: performance.now() + pauseMs >= end,
        attempts: task.attempts,
        maxAttempts: task.maxAttempts,
        host: gateway.host,
      });
      if (verdict.do !== 'ask-again') return verdict;
      keyMayHaveRun = true;
      await wait(pauseMs, undefined, { signal: interrupted }).catch(() => undefined);
      if (this.isLost()) return null;
      if (this.isLeaving()) return this.handedBack();
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  /** The span of one request to the gateway. */
  private startDispatch(attempt: number): Span {
    const { task, gateway, trace } = this;
    return this.parts.tracer.start('dispatch', {
      kind: 'client',
      parent: trace,
      attributes: {
        'skynet.task.id': task.id,
        'skynet.task.action': task.action,
        'skynet.gateway.id': gateway.gatewayId,
        'skynet.gateway.protocol': gateway.protocol,
        'skynet.lease.number': task.leaseNumber,
        'skynet.dispatch.attempt': attempt,
        'server.address': new URL(gateway.host).hostname,
      },
    });
  }

  private resultOf(verdict: Exclude<Verdict, { do: 'ask-again' }> | null): DispatchResult {
    if (verdict === null) return 'lost';
    if (verdict.do === 'complete') return verdict.success ? 'succeeded' : 'failed';
    if (!verdict.keepKey) return 'not_executed';
    return this.isLeaving() ? 'handed_back' : 'unknown';
  }

  private handedBack(): Exclude<Verdict, { do: 'ask-again' }> {
    return { do: 'release', reason: 'The dispatcher is shutting down.', restSeconds: 0, keepKey: true };
  }

  private async reportTrouble(outcome: {
    readonly transport: boolean;
    readonly error: string;
  }): Promise<void> {
    if (!outcome.transport) {
      this.parts.registry.requestProbe();
      return;
    }
    await this.parts.registry.recordTransportFailure(this.gateway, outcome.error).catch((error: unknown) => {
      this.logger.debug({ err: error }, 'A transport failure could not be noted.');
    });
  }

  /** Writes the verdict down; while the database is away it tries again until the lease cannot be ours any more. */
  private async record(verdict: Exclude<Verdict, { do: 'ask-again' }>): Promise<void> {
    const { tracer } = this.parts;
    const span = tracer.start(verdict.do, {
      parent: this.trace,
      attributes: { 'skynet.task.id': this.task.id, 'skynet.lease.number': this.task.leaseNumber },
    });
    try {
      span.set({ 'skynet.claim.held': await this.write(verdict) });
      span.end();
    } catch (error) {
      span.end('It could not be written.');
      throw error;
    }
  }

  /** Whether the claim was still ours. */
  private async write(verdict: Exclude<Verdict, { do: 'ask-again' }>): Promise<boolean> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        const { database, endings, ledgerMetrics } = this.parts;
        const written =
          verdict.do === 'complete'
            ? ledgerMetrics.reported('dispatcher', await endings.complete(database, this.proof, verdict))
            : await endings.release(database, this.proof, {
                reason: verdict.reason,
                restSeconds: verdict.restSeconds,
                keepDispatchKey: verdict.keepKey,
              });
        if (!written) {
          this.logger.info('A result came after its claim had ended.');
        } else if (verdict.do === 'complete' || !verdict.keepKey) {
          await this.parts.client.settled(this.gateway, this.key);
        }
        return written;
      } catch (error) {
        if (!(error instanceof DatabaseUnavailableError) || this.leaseIsOver()) throw error;
        await wait(pauseMs, undefined, { signal: this.lost.signal }).catch(() => undefined);
      }
    }
  }

  /** Asked anew each time: both may happen while an attempt is under way. */
  private isLost(): boolean {
    return this.lost.signal.aborted;
  }

  private isLeaving(): boolean {
    return this.leaving.signal.aborted;
  }

  /** Whether, by this process' clock, the lease cannot be ours any more. */
  leaseIsOver(): boolean {
    return performance.now() - this.renewedAtMs > this.leaseSeconds * 1_000;
  }
}

/** What did not come to an answer is an error; an action that failed is not. */
function endDispatch(span: Span, outcome: DispatchOutcome): void {
  span.set({ 'skynet.dispatch.outcome': outcome.kind });
  const failed = outcome.kind === 'not-executed' || outcome.kind === 'unknown';
  span.end(failed ? outcome.error : undefined);
}

/** What is told of the files that a task has leased; none of a task that declares none and has promised nothing. */
const leasedFilesOf = ({ requiredFiles, readFiles }: ClaimedTask): readonly LeasedFile[] => [
  ...requiredFiles.map((path) => ({ path, mode: 'write' as const })),
  ...readFiles.map((path) => ({ path, mode: 'read' as const })),
];
