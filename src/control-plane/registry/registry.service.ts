import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Database, type Db, type Tx } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { type Logger } from '../../platform/logging/logger.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import {
  type GatewayAddress,
  GatewayClient,
  type GivenCredential,
  judgeHost,
  type ProbeResult,
  refusalOfHost,
} from '../gateway-client/index.js';
import { CONFIG, LOGGER, TOPICS } from '../runtime/index.js';
import { countAll } from './counts.queries.js';
import { isGatewayUsable, isWorkerHealthy } from './domain/health.js';
import * as gatewayQueries from './gateways.queries.js';
import {
  type Findings,
  type Gateway,
  type GatewayRegistration,
  type GatewaySelfReport,
} from './gateways.queries.js';
import * as workerQueries from './workers.queries.js';
import { type Worker, type WorkerClass, type WorkerRegistration } from './workers.queries.js';

/** Calls of workers are noted together: a busy fleet costs one update per this many milliseconds, not one a call. */
const SEEN_DELAY_MS = 250;

/** How old what {@link RegistryService.recentRoster} says may be. */
const ROSTER_MS = 1_000;

/** Everybody who is registered. */
export interface Roster {
  readonly gateways: readonly (Gateway & {
    /** The actions that it takes, and no others; null: all but those that only others take. */
    readonly serves: readonly string[] | null;
    /** Whether its status lets it be sent tasks. */
    readonly isUp: boolean;
    /** Whether it is not paused either. */
    readonly isUsable: boolean;
  })[];
  readonly workers: readonly (WorkerClass & { readonly isAlive: boolean })[];
  readonly hosts: readonly (WorkerClass & { readonly isAlive: boolean })[];
}

/** Gateways and workers: who they are, what they can do, how they are. */
@Injectable()
export class RegistryService implements OnApplicationShutdown {
  private readonly seenWorkers = new Set<string>();
  private flushTimer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> = Promise.resolve();
  private readonly listeners = new Set<() => void>();
  private recent: { readonly endsAt: number; readonly roster: Promise<Roster> } | undefined;

  constructor(
    private readonly database: Database,
    private readonly client: GatewayClient,
    private readonly wakeups: Wakeups,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Registers a gateway and looks at it at once, so that the answer shows its real status. Throws for a bad host. `record`
   * writes down, in the transactions that do so, that a credential was stored and that the gateway was registered.
   */
  async registerGateway(
    request: GatewayRegistration & GatewaySelfReport,
    credential: GivenCredential | null = null,
    record: (tx: Tx, action?: string) => Promise<void> = () => Promise.resolve(),
  ): Promise<Gateway> {
    const registration = { ...request, host: await this.acceptedHost(request.host) };
    await this.database.transaction(async (tx) => {
      await this.client.admit(tx, registration, credential);
      if (credential !== null) await record(tx, 'gateway.credential');
    });
    const found = findings(request.status, await this.client.probe(registration));
    const registered = await this.database.transaction(async (tx) => {
      const gateway = await gatewayQueries.upsertGateway(tx, registration, found);
      await record(tx);
      return gateway;
    });
    this.forgetRoster();
    if (isGatewayUsable(registered.status)) this.wakeups.publish(TOPICS.ready);
    return this.offering(registered);
  }

  /**
   * A gateway's own sign of life; null when it is not registered. It says nothing of how well the gateway can be reached,
   * but one that was not found well is looked at again.
   */
  async heartbeatOfGateway(
    db: Db,
    gatewayId: string,
    said: GatewaySelfReport & { readonly status: string | null },
  ): Promise<Gateway | null> {
    const gateway = await gatewayQueries.heartbeatOfGateway(db, gatewayId, said);
    if (gateway === null) return null;
    db.afterCommit(() => {
      this.forgetRoster();
      if (gateway.status !== gateway.declaredStatus) {
        this.probe(gateway).catch((error: unknown) =>
          this.logger.debug({ err: error, gatewayId }, 'What a probe found could not be written.'),
        );
      }
    });
    return gateway;
  }

  /** Registers a worker, or anew. Throws for an id that a host has. */
  async registerWorker(db: Db, request: WorkerRegistration): Promise<Worker> {
    db.afterCommit(() => this.forgetRoster());
    const worker = await workerQueries.upsertWorker(db, request);
    if (worker === null) throw new Problem('worker-id-taken', `'${request.workerId}' is the id of a host.`);
    return worker;
  }

  /** A worker's sign of life; from now on its silence means that it is offline. Null when it is not registered. */
  heartbeat(db: Db, workerId: string, status: string | null): Promise<Worker | null> {
    return workerQueries.heartbeat(db, workerId, status);
  }

  listGateways(db: Db = this.database): Promise<Gateway[]> {
    return this.list(db);
  }

  /** A gateway; null when it is not registered. */
  findGateway(gatewayId: string, db: Db = this.database): Promise<Gateway | null> {
    return this.offered(gatewayQueries.findGateway(db, gatewayId));
  }

  /** Gateways that may be sent tasks now. */
  async listUsableGateways(db: Db = this.database): Promise<Gateway[]> {
    return (await this.list(db)).filter(isUsable);
  }

  /** From now on it is sent nothing new, whatever its status; null when it is not registered. */
  pauseGateway(db: Db, gatewayId: string, reason: string): Promise<Gateway | null> {
    db.afterCommit(() => this.forgetRoster());
    return this.offered(gatewayQueries.pauseGateway(db, gatewayId, reason));
  }

  /** The same, with the wish that what is executed there comes to its end; null when it is not registered. */
  drainGateway(
    db: Db,
    gatewayId: string,
    drain: { readonly reason: string; readonly deadlineSeconds: number | null },
  ): Promise<Gateway | null> {
    db.afterCommit(() => this.drainChanged());
    return this.offered(gatewayQueries.drainGateway(db, gatewayId, drain));
  }

  /** Lets it be sent tasks again, and ends its drain; null when it is not registered. */
  resumeGateway(db: Db, gatewayId: string): Promise<Gateway | null> {
    db.afterCommit(() => this.drainChanged());
    return this.offered(gatewayQueries.resumeGateway(db, gatewayId));
  }

  markGatewaysUsed(gatewayIds: readonly string[]): Promise<void> {
    return gatewayQueries.markGatewaysUsed(this.database, gatewayIds);
  }

  /** Up to `limit` workers, oldest first; those after `after` if given. */
  async listWorkers(
    after: Pick<Worker, 'registeredAt' | 'workerId'> | null,
    limit: number,
  ): Promise<Worker[]> {
    await this.flushSeen();
    return workerQueries.listWorkers(this.database, after, limit);
  }

  /** Up to `limit` workers by id, descending; those below `before` if given. */
  async listWorkersById(before: string | null, limit: number): Promise<Worker[]> {
    await this.flushSeen();
    return workerQueries.listWorkersById(this.database, before, limit);
  }

  /** Those of `ids` that are registered. */
  async findWorkers(ids: readonly string[]): Promise<Worker[]> {
    await this.flushSeen();
    return workerQueries.findWorkers(this.database, ids);
  }

  /** Everybody who is registered: all gateways, and workers and hosts by what they are alike in. */
  async roster(): Promise<Roster> {
    await this.flushSeen();
    const [gateways, workers] = await Promise.all([
      this.list(this.database),
      workerQueries.listWorkerClasses(this.database),
    ]);
    const all = workers.map((worker) => ({ ...worker, isAlive: isWorkerHealthy(worker.status) }));
    return {
      gateways: gateways.map((gateway) => ({
        ...gateway,
        serves: this.client.serves(gateway.protocol),
        isUp: isGatewayUsable(gateway.status),
        isUsable: isUsable(gateway),
      })),
      workers: all.filter(({ kind }) => kind === 'worker'),
      hosts: all.filter(({ kind }) => kind === 'host'),
    };
  }

  /** The same, up to a second old: one look serves all who ask meanwhile. */
  recentRoster(): Promise<Roster> {
    const now = performance.now();
    if (this.recent === undefined || this.recent.endsAt <= now) {
      const roster = this.roster();
      this.recent = { endsAt: now + ROSTER_MS, roster };
      // A look that failed serves nobody but those who are already waiting for it.
      roster.catch(() => this.forgetRoster());
    }
    return this.recent.roster;
  }

  /** Lets the next look be a new one: whoever has just registered is seen at once in this process. */
  forgetRoster(): void {
    this.recent = undefined;
  }

  /** How many gateways and workers there are. */
  counts(): Promise<{ readonly gateways: number; readonly workers: number }> {
    return countAll(this.database);
  }

  async findWorker(workerId: string): Promise<Worker | null> {
    await this.flushSeen();
    return workerQueries.findWorker(this.database, workerId);
  }

  /** Notes that a worker has called. Returns at once; the next read of workers shows it. */
  seen(workerId: string): void {
    this.seenWorkers.add(workerId);
    this.flushTimer ??= setTimeout(() => void this.flushSeen(), SEEN_DELAY_MS);
  }

  /** Whether the worker is registered and may still be working. */
  async isWorkerHealthy(workerId: string): Promise<boolean> {
    const worker = await this.findWorker(workerId);
    return worker !== null && isWorkerHealthy(worker.status);
  }

  /** Whether that gateway, or any when none is named, is well. A paused one is: it goes on with what it has. */
  async isGatewayHealthy(gatewayId: string | null): Promise<boolean> {
    const gateways = await gatewayQueries.listGateways(this.database);
    return gateways.some(
      (gateway) => isGatewayUsable(gateway.status) && (gatewayId === null || gateway.gatewayId === gatewayId),
    );
  }

  /** A call could not reach the gateway: nothing is sent there until a probe is good again. */
  async recordTransportFailure(gateway: GatewayAddress, reason: string): Promise<void> {
    const { gatewayId, host } = gateway;
    await gatewayQueries.setGatewayStatus(this.database, {
      gatewayId,
      host,
      declaredStatus: null,
      ...findings('', await this.client.silence(gateway, reason)),
      answered: false,
    });
    this.requestProbe();
  }

  /** Asks for a round of probes now. */
  requestProbe(): void {
    for (const listener of this.listeners) listener();
  }

  /** Calls `listener` whenever a round of probes is asked for. */
  onProbeRequested(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** Looks at one gateway and notes a change. */
  async probe(gateway: Gateway): Promise<void> {
    await this.note(gateway, await this.client.probe(gateway));
  }

  /**
   * Registers the gateways of the configuration under the ids openclaw, openclaw_2, …. What somebody has registered under
   * such an id stays, as does what an operator has said of a seeded gateway, unless the configuration has moved it.
   */
  async seed(): Promise<void> {
    await Promise.all(
      this.config.registry.seedHosts.map(async (host, index) => {
        const gatewayId = index === 0 ? 'openclaw' : `openclaw_${index + 1}`;
        try {
          await this.seedGateway({
            gatewayId,
            host: await this.acceptedHost(host),
            protocol: 'skynet',
            capabilities: ['execute_task', 'get_gateway_status', 'get_worker_status', 'list_sessions'],
            status: 'online',
            metadata: { source: 'startup' },
          });
        } catch (error) {
          this.logger.warn(
            { err: error, gatewayId },
            'A gateway of the configuration could not be registered.',
          );
        }
      }),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.flushTimer);
    await this.flushSeen();
  }

  private drainChanged(): void {
    this.forgetRoster();
    this.wakeups.publish(TOPICS.drains);
  }

  private async seedGateway(gateway: GatewayRegistration): Promise<void> {
    if (!(await gatewayQueries.isSeedWanted(this.database, gateway))) return;
    const found = findings(gateway.status, await this.client.probe(gateway));
    const seeded = await gatewayQueries.seedGateway(this.database, gateway, found);
    if (seeded !== null && isGatewayUsable(seeded.status)) this.wakeups.publish(TOPICS.ready);
  }

  private async note({ gatewayId, host, declaredStatus }: Gateway, result: ProbeResult): Promise<void> {
    const found = findings(declaredStatus, result);
    const { status, reason } = found;
    const changed = await gatewayQueries.setGatewayStatus(this.database, {
      gatewayId,
      host,
      declaredStatus,
      ...found,
      answered: result.kind !== 'unreachable',
    });
    if (changed === null) return;
    this.logger.info({ gatewayId, status, reason }, 'A gateway changed its status.');
    if (isGatewayUsable(status)) this.wakeups.publish(TOPICS.ready);
  }

  private async acceptedHost(raw: string): Promise<string> {
    const { hostAllowlist } = this.config.registry;
    const verdict = judgeHost(raw, hostAllowlist);
    if (!verdict.ok) throw new Problem('invalid-gateway-host', `Invalid gateway host: ${verdict.reason}`);
    const refused = await refusalOfHost(verdict.host);
    if (refused !== null) throw new Problem('invalid-gateway-host', `Invalid gateway host: ${refused}`);
    return verdict.host;
  }

  private async list(db: Db): Promise<Gateway[]> {
    return (await gatewayQueries.listGateways(db)).map((gateway) => this.offering(gateway));
  }

  private async offered(found: Promise<Gateway | null>): Promise<Gateway | null> {
    const gateway = await found;
    return gateway === null ? null : this.offering(gateway);
  }

  /** What a gateway serves by what it speaks it need not declare. */
  private offering(gateway: Gateway): Gateway {
    const serves = this.client.serves(gateway.protocol) ?? [];
    return { ...gateway, capabilities: [...new Set([...gateway.capabilities, ...serves])] };
  }

  /** Writes down the workers that have called, all in one statement; errors are told to the log only. */
  private flushSeen(): Promise<void> {
    clearTimeout(this.flushTimer);
    this.flushTimer = undefined;
    if (this.seenWorkers.size > 0) {
      const workers = [...this.seenWorkers];
      this.seenWorkers.clear();
      this.flushing = this.flushing
        .then(() => workerQueries.markWorkersSeen(this.database, workers))
        .catch((error: unknown) => this.logger.debug({ err: error }, 'Signs of life could not be written.'));
    }
    return this.flushing;
  }
}

function isUsable({ status, pausedAt }: Gateway): boolean {
  return isGatewayUsable(status) && pausedAt === null;
}

/** What a probe says of a gateway that is declared to have a status. */
function findings(declaredStatus: string, result: ProbeResult): Findings {
  return {
    status: { ready: declaredStatus, 'not-ready': 'degraded', unreachable: 'offline' }[result.kind],
    reason: result.kind === 'ready' ? '' : result.reason.slice(0, 500),
  };
}
