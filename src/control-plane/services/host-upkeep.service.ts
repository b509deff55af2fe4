import { Injectable } from '@nestjs/common';
import { type ActiveService } from '../../contracts/skyclaw.js';
import { Database, type Db } from '../../platform/database/database.js';
import { Deployments } from './deployments.service.js';
import { type Deployment, isSamePlace, liveOf, type Place } from './domain/deployment.js';
import { begunAnew, CROSSING_MS, hasNews, present } from './domain/presence.js';
import { listDeployments } from './services.queries.js';
import { countOfHost, listHoldersAmong, listServicesOfHost } from './upkeep.queries.js';

/** What a host must end. */
export interface Stops {
  /** Services of which nothing on the host may go on. */
  readonly services: string[];
  /** Single processes of services of which others on the host go on. */
  readonly replicas: ActiveService[];
}

/** What a host and the control plane tell each other of the processes that run there, beside claims and reports. */
@Injectable()
export class HostUpkeep {
  constructor(
    private readonly database: Database,
    private readonly deployments: Deployments,
  ) {}

  /**
   * What of the services that a host may still run must end: stopped, deleted, moved, scaled down, replaced. `active` is
   * what the host says that it runs: it makes this exact, confirms what has ended, and tells what is missing. Null: it does
   * not say; then all is listed that it was told to end, until it reports the end or a while has passed.
   */
  async stopsFor(db: Db, hostId: string, active: readonly ActiveService[] | null): Promise<Stops> {
    const held = await this.held(db, hostId, active);
    return active === null ? toldToEnd(held, hostId) : unwanted(held, hostId, active);
  }

  /**
   * A daemon has begun anew, and runs just these processes: what it ran beside them is free to be claimed. Null: it does
   * not say; then it has all of its replicas to start, which its next claims hand to it, and says of what it runs that it does.
   */
  async restarted(db: Db, hostId: string, active: readonly ActiveService[] | null): Promise<void> {
    if (active !== null) {
      await this.held(db, hostId, active, 0);
      return;
    }
    for (const { service, assignments } of await this.held(db, hostId, null)) {
      if (!assignments.some((row) => row.hostId === hostId && row.status === 'running')) continue;
      await this.deployments.change(db, service.id, (locked, { now }) => begunAnew(locked, hostId, now));
    }
  }

  /** Processes that a host has and that are not known to have ended. */
  countsFor(db: Db, hostId: string): Promise<number> {
    return countOfHost(db, hostId);
  }

  /** Those of the hosts that have processes, or may still run some that must end. */
  holdersAmong(hostIds: readonly string[], db: Db = this.database): Promise<string[]> {
    return listHoldersAmong(db, hostIds);
  }

  /** The services of which the host has something, after what it says of itself has been taken in. */
  private async held(
    db: Db,
    hostId: string,
    active: readonly ActiveService[] | null,
    crossingMs = CROSSING_MS,
  ): Promise<Deployment[]> {
    const stored = await listDeployments(db, await listServicesOfHost(db, hostId));
    if (active === null) return stored;
    const { now } = await this.deployments.circumstances(db, []);
    const held: Deployment[] = [];
    for (const deployment of stored) {
      const { id } = deployment.service;
      const places = placesOf(hostId, id, active);
      const isNews = hasNews(deployment, hostId, places, now, crossingMs);
      const step = (locked: Deployment, at: { readonly now: number }) =>
        present(locked, hostId, places, at.now, crossingMs);
      held.push((isNews ? await this.deployments.change(db, id, step) : null) ?? deployment);
    }
    return held;
  }
}

function placesOf(hostId: string, serviceId: string, active: readonly ActiveService[]): Place[] {
  return active
    .filter((process) => process.serviceId === serviceId)
    .map((process) => ({ ...process, hostId }));
}

function toldToEnd(held: readonly Deployment[], hostId: string): Stops {
  return stopsOf(
    held.map((deployment) => ({
      id: deployment.service.id,
      goesOn: liveOf(deployment).some((row) => row.hostId === hostId),
      ends: deployment.assignments.filter((row) => row.hostId === hostId && row.stop !== null),
    })),
  );
}

function unwanted(held: readonly Deployment[], hostId: string, active: readonly ActiveService[]): Stops {
  const known = new Map(held.map((deployment) => [deployment.service.id, deployment]));
  const ids = [...new Set(active.map(({ serviceId }) => serviceId))];
  return stopsOf(
    ids.map((id) => {
      const deployment = known.get(id);
      const wanted = (deployment === undefined ? [] : liveOf(deployment)).filter(
        (row) => row.hostId === hostId && row.status !== 'failed',
      );
      const ends = placesOf(hostId, id, active).filter(
        (place) => !wanted.some((row) => isSamePlace(row, place)),
      );
      return { id, goesOn: wanted.length > 0, ends };
    }),
  );
}

function stopsOf(
  found: readonly { readonly id: string; readonly goesOn: boolean; readonly ends: readonly Place[] }[],
): Stops {
  const ending = found.filter(({ ends }) => ends.length > 0);
  return {
    services: ending.filter(({ goesOn }) => !goesOn).map(({ id }) => id),
    replicas: ending
      .filter(({ goesOn }) => goesOn)
      .flatMap(({ id, ends }) => ends.map(({ slot, generation }) => ({ serviceId: id, slot, generation }))),
  };
}
