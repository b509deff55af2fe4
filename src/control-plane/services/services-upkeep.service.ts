import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { type ControlPlaneConfig } from '../config.js';
import { HostsRegistry } from '../registry/index.js';
import { CONFIG } from '../runtime/index.js';
import { Deployments, hostFacts } from './deployments.service.js';
import { listDeployments } from './services.queries.js';
import {
  forgetEnding,
  listDueServices,
  listHolders,
  msUntilNextDue,
  pruneDeleted,
} from './upkeep.queries.js';

/** How many services one look reads. */
const BATCH = 100;
/** A host that hears of a stop ends the process within a heartbeat and its grace: after so many host timeouts it has. */
const TIMEOUTS_TO_END = 10;
/** How long a host that fell silent is expected back, and told what it must end. */
const LOST_MS = 3_600_000;

/** What becomes of services by time, and by what becomes of hosts. */
@Injectable()
export class ServicesUpkeep {
  private readonly endedAfterMs: number;

  constructor(
    private readonly database: Database,
    private readonly hosts: HostsRegistry,
    private readonly deployments: Deployments,
    @Inject(CONFIG) { skyclaw }: ControlPlaneConfig,
  ) {
    this.endedAfterMs = TIMEOUTS_TO_END * skyclaw.hostTimeoutMs;
  }

  /**
   * Frees the slots of lost hosts, moves replicas from draining ones, ends rollouts, forgets what is gone. Looks without a
   * lock and writes only what changed. Returns the milliseconds until there is something to do by time alone, if ever.
   */
  async pass(signal: AbortSignal): Promise<number | null> {
    const holders = await listHolders(this.database);
    const known = holders.length === 0 ? [] : await this.hosts.listByIds(this.database, holders);
    const unfit = known.map(hostFacts).filter((host) => host.isLost || host.isDraining);
    const gone = holders.filter((id) => !known.some((host) => host.id === id));
    const due = await listDueServices(this.database, [...unfit.map(({ id }) => id), ...gone]);
    for (let from = 0; from < due.length && !signal.aborted; from += BATCH) {
      await this.settleAll(due.slice(from, from + BATCH), signal);
    }
    const patience = { afterMs: this.endedAfterMs, lostAfterMs: Math.max(LOST_MS, this.endedAfterMs) };
    await forgetEnding(this.database, { goneHosts: gone, ...patience });
    await pruneDeleted(this.database);
    return msUntilNextDue(this.database);
  }

  private async settleAll(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const batch = await listDeployments(this.database, ids);
    const circumstances = await this.deployments.circumstances(this.database, batch);
    for (const stored of batch) {
      if (signal.aborted) return;
      if (this.deployments.isSettled(stored, circumstances)) continue;
      await this.deployments.change(this.database, stored.service.id, (deployment) => deployment);
    }
  }
}
