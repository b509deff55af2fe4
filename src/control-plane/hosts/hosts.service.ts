import { Injectable } from '@nestjs/common';
import { type Host as HostView } from '../../contracts/skyclaw.js';
import { Database, type Db, type Tx } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { isoTime } from '../jobs/index.js';
import { capabilitySet, HostJobs } from '../ledger/index.js';
import { type Host, type HostOrder, HostsRegistry, mayGetWork, unknownHost } from '../registry/index.js';
import { TOPICS } from '../runtime/index.js';
import { hostStatus } from './domain/host-status.js';

/** What hosts that say nothing else give a job that names no limit, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 300_000;

export interface Application {
  readonly id: string | null;
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly maxParallel: number;
  readonly activeJobs: readonly string[];
  readonly defaultTimeoutMs: number | null;
}

export interface SignOfLife {
  readonly activeLeases: number | null;
  readonly activeJobs: readonly string[] | null;
  readonly capabilities: readonly string[] | null;
}

/** What hosts and their operators ask for, over registry and ledger. */
@Injectable()
export class HostsService {
  constructor(
    private readonly database: Database,
    private readonly registry: HostsRegistry,
    private readonly jobs: HostJobs,
    private readonly wakeups: Wakeups,
  ) {}

  /** Registers a host, or anew: what it holds and does not run any more is taken back. See {@link HostsRegistry.register}. */
  async register(
    db: Db,
    { activeJobs, ...application }: Application,
    shownToken: string,
  ): Promise<{ readonly host: HostView; readonly token: string | null }> {
    return db.transaction(async (tx) => {
      const capabilities = capabilitySet(application.capabilities);
      const { host, token } = await this.registry.register(tx, { ...application, capabilities }, shownToken);
      await this.jobs.setSlots(tx, host.id, { maxParallel: host.maxParallel, isOpen: mayGetWork(host) });
      const reason = `Host '${host.id}' registered anew and does not run it any more.`;
      await this.jobs.takeBack(tx, host.id, { reason, kept: activeJobs });
      return { host: await this.viewOf(host, tx), token };
    });
  }

  /** A sign of life: renews leases, and says what must end. Throws when the host is not registered. */
  async heartbeat(
    db: Db,
    id: string,
    { activeLeases, activeJobs, capabilities }: SignOfLife,
  ): Promise<{ readonly host: HostView; readonly stopJobs: string[] }> {
    const host = await this.registry.heartbeat(db, id, {
      capabilities: capabilities === null ? null : capabilitySet(capabilities),
      reportedActiveLeases: activeLeases,
    });
    if (host === null) throw unknownHost(id);
    if (capabilities !== null) db.afterCommit(() => this.wakeups.publish(TOPICS.ready));
    const defaultTimeoutMs = host.defaultTimeoutMs ?? DEFAULT_TIMEOUT_MS;
    await this.jobs.renew(db, id, { jobIds: activeJobs, defaultTimeoutMs });
    const stopJobs = await this.jobs.notHeldBy(db, id, activeJobs ?? []);
    return { host: await this.viewOf(host, db), stopJobs };
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
    const leases = await this.jobs.liveLeases(hosts.map(({ id }) => id));
    return { hosts, views: hosts.map((host) => hostView(host, leases.get(host.id) ?? 0)) };
  }

  private async takeBackRevoked(tx: Tx, id: string): Promise<void> {
    await this.jobs.takeBack(tx, id, { reason: `Host '${id}' was revoked.` });
  }

  private async viewOf(host: Host, db: Db): Promise<HostView> {
    const leases = await this.jobs.liveLeases([host.id], db);
    return hostView(host, leases.get(host.id) ?? 0);
  }
}

function hostView(host: Host, activeLeases: number): HostView {
  const { drainSince, drainDeadline, reportedActiveLeases } = host;
  return {
    id: host.id,
    name: host.name,
    capabilities: host.capabilities,
    maxParallel: host.maxParallel,
    activeLeases,
    ...(reportedActiveLeases === null ? {} : { reportedActiveLeases }),
    status: hostStatus({
      isRevoked: host.revokedAt !== null,
      isOffline: host.isOffline,
      isDraining: drainSince !== null,
      isCordoned: host.cordonedAt !== null,
      holdings: activeLeases,
    }),
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
  };
}
