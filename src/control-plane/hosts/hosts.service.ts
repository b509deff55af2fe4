import { Injectable } from '@nestjs/common';
import {
  type ActiveService,
  type HeartbeatResponse,
  type Host as HostView,
  type HostStatus,
} from '../../contracts/skyclaw.js';
import { Database, type Db, type Tx } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { isoTime } from '../jobs/index.js';
import { capabilitySet, HostJobs } from '../ledger/index.js';
import {
  type Host,
  type HostOrder,
  HostsRegistry,
  mayGetWork,
  type ShownByHost,
  unknownHost,
} from '../registry/index.js';
import { TOPICS } from '../runtime/index.js';
import { HostUpkeep } from '../services/index.js';
import { hostStatus } from './domain/host-status.js';

/** What hosts that say nothing else give a job that names no limit, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 300_000;

/** What a host says that it runs of services; null: it does not say. */
type ActiveServices = readonly ActiveService[] | null;

export interface Application {
  readonly id: string | null;
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly maxParallel: number;
  readonly activeJobs: readonly string[];
  readonly activeServices: ActiveServices;
  readonly defaultTimeoutMs: number | null;
}

export interface SignOfLife {
  readonly activeLeases: number | null;
  readonly activeJobs: readonly string[] | null;
  readonly activeServices: ActiveServices;
  readonly capabilities: readonly string[] | null;
}

/** What hosts and their operators ask for, over registry and ledger. */
@Injectable()
export class HostsService {
  constructor(
    private readonly database: Database,
    private readonly registry: HostsRegistry,
    private readonly jobs: HostJobs,
    private readonly services: HostUpkeep,
    private readonly wakeups: Wakeups,
  ) {}

  /** Registers a host, or anew: what it holds and does not run any more is taken back. See {@link HostsRegistry.register}. */
  async register(
    db: Db,
    { activeJobs, activeServices, ...application }: Application,
    shown: ShownByHost,
  ): Promise<{ readonly host: HostView; readonly token: string | null }> {
    return db.transaction(async (tx) => {
      const capabilities = capabilitySet(application.capabilities);
      const { host, token } = await this.registry.register(
        tx,
        { ...application, capabilities, tellsServices: activeServices !== null },
        shown,
      );
      await this.jobs.setSlots(tx, host.id, { maxParallel: host.maxParallel, isOpen: mayGetWork(host) });
      const reason = `Host '${host.id}' registered anew and does not run it any more.`;
      await this.jobs.takeBack(tx, host.id, { reason, kept: activeJobs });
      await this.services.restarted(tx, host.id, activeServices);
      return { host: await this.viewOf(host, tx), token };
    });
  }

  /** A sign of life: renews leases, and says what must end. Throws when the host is not registered. */
  async heartbeat(
    db: Db,
    id: string,
    { activeLeases, activeJobs, activeServices, capabilities }: SignOfLife,
  ): Promise<HeartbeatResponse> {
    const host = await this.registry.heartbeat(db, id, {
      capabilities: capabilities === null ? null : capabilitySet(capabilities),
      reportedActiveLeases: activeLeases,
    });
    if (host === null) throw unknownHost(id);
    if (capabilities !== null) db.afterCommit(() => this.wakeups.publish(TOPICS.ready));
    if (activeServices !== null && !host.tellsServices) await this.registry.noteTelling(db, id);
    const defaultTimeoutMs = host.defaultTimeoutMs ?? DEFAULT_TIMEOUT_MS;
    await this.jobs.renew(db, id, { jobIds: activeJobs, defaultTimeoutMs });
    const stopJobs = await this.jobs.notHeldBy(db, id, activeJobs ?? []);
    const stops = await this.services.stopsFor(db, id, activeServices);
    return {
      host: await this.viewOf(host, db),
      stopServices: stops.services,
      stopReplicas: stops.replicas,
      stopJobs,
    };
  }

  /** An operator's word. What a revoked host holds is taken back at once. Throws when there is no such host. */
  async order(db: Db, id: string, order: HostOrder): Promise<HostView> {
    return db.transaction(async (tx) => {
      const host = await this.registry.order(tx, id, order);
      await this.jobs.setSlots(tx, id, { maxParallel: host.maxParallel, isOpen: mayGetWork(host) });
      if (order.verb === 'revoke') await this.takeBackRevoked(tx, id);
      tx.afterCommit(() => this.wakeups.publish(TOPICS.ready));
      return this.viewOf(host, tx);
    });
  }

  async get(id: string): Promise<HostView> {
    return this.viewOf(await this.registry.get(this.database, id), this.database);
  }

  /** Up to `limit` hosts, oldest first. */
  async list(
    after: Pick<Host, 'registeredAt' | 'id'> | null,
    limit: number,
  ): Promise<{ readonly hosts: readonly Host[]; readonly views: HostView[] }> {
    const hosts = await this.registry.list(after, limit);
    const ids = hosts.map(({ id }) => id);
    const [leases, holders] = [await this.jobs.liveLeases(ids), await this.services.holdersAmong(ids)];
    const views = hosts.map((host) => hostView(host, leases.get(host.id) ?? 0, holders.includes(host.id)));
    return { hosts, views };
  }

  private async takeBackRevoked(tx: Tx, id: string): Promise<void> {
    await this.jobs.takeBack(tx, id, { reason: `Host '${id}' was revoked.` });
  }

  private async viewOf(host: Host, db: Db): Promise<HostView> {
    const leases = await this.jobs.liveLeases([host.id], db);
    const hasServices = (await this.services.holdersAmong([host.id], db)).length > 0;
    return hostView(host, leases.get(host.id) ?? 0, hasServices);
  }
}

/** The one word for a host. */
export function statusOf(
  { revokedAt, isOffline, drainSince, cordonedAt }: Host,
  { isEmpty }: { readonly isEmpty: boolean },
): HostStatus {
  return hostStatus({
    isRevoked: revokedAt !== null,
    isDraining: drainSince !== null,
    isCordoned: cordonedAt !== null,
    ...{ isOffline, isEmpty },
  });
}

function hostView(host: Host, activeLeases: number, hasServices: boolean): HostView {
  const { drainSince, drainDeadline, reportedActiveLeases } = host;
  return {
    id: host.id,
    name: host.name,
    capabilities: host.capabilities,
    maxParallel: host.maxParallel,
    activeLeases,
    ...(reportedActiveLeases === null ? {} : { reportedActiveLeases }),
    status: statusOf(host, { isEmpty: activeLeases === 0 && !hasServices }),
    ...(drainSince === null
      ? {}
      : {
          drain: {
            since: isoTime(drainSince),
            ...(drainDeadline === null ? {} : { deadline: isoTime(drainDeadline) }),
            reason: host.reason,
          },
        }),
    registeredAt: isoTime(host.registeredAt),
    lastSeenAt: isoTime(host.lastSeenAt),
    version: host.version,
    updatedBy: host.updatedBy,
  };
}
