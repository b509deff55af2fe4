import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type TraceContext } from '../../platform/tracing/domain/trace-context.js';
import { Tracer } from '../../platform/tracing/tracer.js';
import { type ControlPlaneConfig } from '../config.js';
import { ApprovalsService } from '../approvals/index.js';
import { GatewayClient } from '../gateway-client/index.js';
import {
  type ClaimedTask,
  ClaimsService,
  EndingsService,
  LedgerMetrics,
  TaskNotes,
  traceOfClaim,
} from '../ledger/index.js';
import { RegistryService } from '../registry/index.js';
import { byLoadThenRest, type Candidate, RoutingService } from '../routing/index.js';
import { ApplicationLoop, CONFIG, HealthRegistry, LOGGER, REPLICA, TOPICS } from '../runtime/index.js';
import { DispatchMetrics } from './dispatch.metrics.js';
import { Execution, type ExecutionParts } from './execution.js';
import { LeaseKeeper } from './lease-keeper.js';

/** At shutdown, running executions get so long to end by themselves before their tasks are handed back. */
const PATIENCE_MS = 10_000;

/**
 * Claims ready tasks for the gateways that have room, and sends each to one. Bounded per replica by its slots and per
 * gateway by what all replicas have in flight there. With no usable gateway it reads and writes nothing.
 */
@Injectable()
export class DispatcherLoop extends ApplicationLoop {
  private readonly workerId: string;
  private readonly executions = new Map<Execution, Promise<void>>();
  private readonly keeper: LeaseKeeper;
  private readonly parts: ExecutionParts;
  private unsubscribe: (() => void) | undefined;
  /** Whether ready tasks may have been left for want of room, so that the end of an execution is news. */
  private wasFull = true;

  constructor(
    private readonly database: Database,
    private readonly claims: ClaimsService,
    endings: EndingsService,
    private readonly registry: RegistryService,
    private readonly routing: RoutingService,
    client: GatewayClient,
    notes: TaskNotes,
    approvals: ApprovalsService,
    ledgerMetrics: LedgerMetrics,
    metrics: DispatchMetrics,
    tracer: Tracer,
    private readonly wakeups: Wakeups,
    health: HealthRegistry,
    clock: ScheduleClock,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(REPLICA) replica: string,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'dispatcher', intervalMs: config.scheduler.pollMs, logger }, clock.every);
    this.workerId = `${config.scheduler.workerId}-${replica}`;
    this.parts = {
      ...{ database, claims, endings, registry, client, notes, approvals, ledgerMetrics, metrics, tracer },
      logger: this.logger,
    };
    this.keeper = new LeaseKeeper(this.executions, this.parts, clock.every);
    health.register('control_scheduler', () => (this.isFresh(3) ? 'ok' : 'not_running'));
  }

  override onApplicationBootstrap(): void {
    if (!this.config.scheduler.enabled) return;
    this.unsubscribe = this.wakeups.subscribe(TOPICS.ready, () => this.nudge());
    super.onApplicationBootstrap();
    this.keeper.start();
  }

  /** Stops claiming, gives running executions a while, hands back what is left, and returns when nothing is held. */
  override async beforeApplicationShutdown(): Promise<void> {
    this.unsubscribe?.();
    await super.beforeApplicationShutdown();
    const running = () => Promise.all(this.executions.values());
    const patience = setTimeout(() => {
      for (const execution of this.executions.keys()) execution.handBack();
    }, PATIENCE_MS);
    await running();
    clearTimeout(patience);
    await this.keeper.stop();
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    this.wasFull = true;
    if (this.executions.size >= this.config.scheduler.concurrency) return;
    const candidates = new Map(
      (await this.routing.candidates()).map((candidate) => [candidate.gatewayId, candidate]),
    );
    while (!signal.aborted && this.executions.size < this.config.scheduler.concurrency) {
      const withRoom = [...candidates.values()].filter(
        (candidate) => candidate.inFlight < candidate.maxInFlight,
      );
      if (withRoom.length === 0) return;
      const claimer = {
        holder: 'dispatcher',
        id: this.workerId,
        gateways: withRoom
          .toSorted(byLoadThenRest)
          .map(({ gatewayId, capabilities, serves }) => ({ gatewayId, capabilities, serves })),
      } as const;
      const beganAtMs = Date.now();
      const { claimed } = await this.claims.claim(this.database, claimer, {
        slots: [this.workerId],
        start: true,
      });
      const [task] = claimed;
      if (task === undefined) {
        this.wasFull = withRoom.length < candidates.size;
        return;
      }
      const gateway = candidates.get(task.dispatchGatewayId ?? '');
      if (gateway === undefined)
        throw new Error(`Task ${task.id} was claimed for a gateway that is not there.`);
      candidates.set(gateway.gatewayId, {
        ...gateway,
        inFlight: gateway.inFlight + 1,
        lastUsedAt: task.lockedAt,
      });
      this.execute(task, gateway, traceOfClaim(this.parts.tracer, task, { beganAtMs }));
    }
  }

  private execute(task: ClaimedTask, gateway: Candidate, trace: TraceContext | null): void {
    const execution = new Execution(task, gateway, trace, this.parts);
    const done = execution.run().finally(() => {
      this.executions.delete(execution);
      if (this.wasFull) this.nudge();
    });
    this.executions.set(execution, done);
    this.registry.markGatewaysUsed([gateway.gatewayId]).catch((error: unknown) => {
      this.logger.debug({ err: error }, 'The use of a gateway could not be noted.');
    });
  }
}
