import { Injectable } from '@nestjs/common';
import { Database, type Db } from '../../platform/database/database.js';
import { Problem } from '../../platform/problems/problem.js';
import { type Host, HostsRegistry, mayGetWork } from '../registry/index.js';
import { Deployments, hostFacts, type Step } from './deployments.service.js';
import { type Circumstances } from './domain/circumstances.js';
import { type Assignment, type Deployment, liveOf } from './domain/deployment.js';
import { isEndpointAllowed } from './domain/endpoint.js';
import { canRun, factsOf } from './domain/host-facts.js';
import { hasRoom, type Offer, offerTo } from './domain/offer.js';
import { type Report, reported, subjectOf } from './domain/report.js';
import { settle } from './domain/settle.js';
import { listDeployments } from './services.queries.js';
import { listOpen, listOpenHere, listPendingHere } from './upkeep.queries.js';

/** What a host was told to start. */
export interface Claimed {
  readonly deployment: Deployment;
  readonly assignment: Assignment;
}

/** How many services a look reads first; each further time more, for most find something at once or not at all. */
const FIRST_BATCH = 4;
const LARGEST_BATCH = 100;
/** Among how many hosts one is looked for that could take what fails on another. */
const RIVALS = 1_000;

/** What hosts do with services: claim replicas, and report of them. */
@Injectable()
export class HostServices {
  constructor(
    private readonly database: Database,
    private readonly hosts: HostsRegistry,
    private readonly deployments: Deployments,
  ) {}

  /**
   * The replica that a host should start next: first its own, then what services lack, oldest service first. Null: none.
   * Of those that many hosts ask for at once it passes over what others are just taking, and comes back to it at the end.
   * Throws when there is no such host.
   */
  async claim(db: Db, hostId: string): Promise<Claimed | null> {
    const host = await this.heard(db, await this.hosts.get(db, hostId));
    const busy: Found[] = [];
    for await (const found of this.look(db, host)) {
      const claimed = await this.take(db, host, found, { skipLocked: true });
      if (claimed === 'busy') busy.push(found);
      else if (claimed !== null) return claimed;
    }
    for (const found of busy) {
      const claimed = await this.take(db, host, found, { skipLocked: false });
      if (claimed !== 'busy' && claimed !== null) return claimed;
    }
    return null;
  }

  /** Whether a claim would find something; writes nothing but that a silent host lives. Throws when there is no such host. */
  async hasOffer(hostId: string): Promise<boolean> {
    const host = await this.heard(this.database, await this.hosts.get(this.database, hostId));
    const { done } = await this.look(this.database, host).next();
    return done !== true;
  }

  /** Whether the replica of a claim is still to be started by that host. */
  async isStillClaimed(
    db: Db,
    id: string,
    place: Pick<Assignment, 'hostId' | 'slot' | 'generation' | 'restarts'>,
  ): Promise<boolean> {
    const [deployment] = await listDeployments(db, [id]);
    return (
      deployment !== undefined &&
      liveOf(deployment).some(
        (row) =>
          row.status === 'pending' &&
          row.hostId === place.hostId &&
          row.slot === place.slot &&
          row.generation === place.generation &&
          row.restarts === place.restarts,
      )
    );
  }

  /** Believes what a host says of one of its replicas. Throws when it has none that this can be about. */
  async report(db: Db, id: string, report: Report): Promise<Deployment> {
    if (report.endpoint !== null && !isEndpointAllowed(report.endpoint)) {
      throw new Problem('invalid-endpoint', 'invalid endpoint');
    }
    const host = await this.hosts.find(report.hostId, db);
    if (host !== null) await this.heard(db, host);
    const changed = await this.deployments.change(db, id, (deployment, { now }) => {
      const subject = subjectOf(deployment, report);
      if (subject === 'stale') return deployment;
      if (subject !== 'unassigned') return reported(deployment, subject.row, report, now);
      if (deployment.service.deletedAt !== null) throw unknownService(id);
      throw new Problem('service-not-assigned', `service ${id} is not assigned to host ${report.hostId}`);
    });
    if (changed === null) throw unknownService(id);
    return changed;
  }

  /** A call is a sign of life; it is written down only where the host counts as silent. */
  private async heard(db: Db, host: Host): Promise<Host> {
    if (!host.isOffline) return host;
    return (
      (await this.hosts.heartbeat(db, host.id, { capabilities: null, reportedActiveLeases: null })) ?? host
    );
  }

  /** The services of which the host would get something: those with replicas of its own before all others. Locks nothing. */
  private async *look(db: Db, host: Host): AsyncGenerator<Found, void> {
    if (!mayGetWork(host)) return;
    const waiting = host.tellsServices ? [] : await listPendingHere(db, host.id);
    const here = new Set([...waiting, ...(await listOpenHere(db, host.id))]);
    for await (const found of this.offers(db, [...here], host)) if (found.kind === 'own') yield found;
    const open = await listOpen(db, host.id, host.capabilities);
    for await (const found of this.offers(db, open, host)) if (found.kind === 'other') yield found;
  }

  private async *offers(db: Db, ids: readonly string[], host: Host): AsyncGenerator<Found, void> {
    let size = FIRST_BATCH;
    for (let from = 0; from < ids.length; from += size, size = Math.min(LARGEST_BATCH, size * 4)) {
      const batch = await listDeployments(db, ids.slice(from, from + size));
      const circumstances = await this.deployments.circumstances(db, batch, [host.id]);
      for (const stored of batch) {
        const found = await this.offered(db, settle(stored, circumstances), host, circumstances);
        if (found !== null) yield found;
      }
    }
  }

  /** What keeps failing on the host goes to another if there is one that could take it. */
  private async offered(
    db: Db,
    deployment: Deployment,
    host: Host,
    { hosts, now }: Circumstances,
  ): Promise<Found | null> {
    const { tellsServices } = host;
    const found = (hasRival: boolean) => {
      const offer = offerTo(deployment, { host: hostFacts(host), hosts, now, hasRival, tellsServices });
      return offer === null ? null : { id: deployment.service.id, kind: offer.kind, hasRival };
    };
    return (
      found(true) ??
      (found(false) !== null && !(await this.hasRival(db, deployment, host)) ? found(false) : null)
    );
  }

  private async hasRival(db: Db, deployment: Deployment, { id }: Host): Promise<boolean> {
    const { requiredCapabilities } = deployment.service.spec;
    const others = (await this.hosts.list(null, RIVALS, db)).filter((host) => host.id !== id);
    return others.some(
      (host) => canRun(hostFacts(host), requiredCapabilities) && hasRoom(deployment, host.id),
    );
  }

  /** Null when it is no longer there. */
  private async take(
    db: Db,
    host: Host,
    { id, hasRival }: Found,
    { skipLocked }: { readonly skipLocked: boolean },
  ): Promise<Claimed | 'busy' | null> {
    return db.transaction(async (tx) => {
      const taken: { offer: Offer | null } = { offer: null };
      const { tellsServices } = host;
      const step: Step = (deployment, { hosts, now }) => {
        const facts = factsOf(hosts, host.id);
        taken.offer = offerTo(deployment, { host: facts, hosts, now, hasRival, tellsServices });
        return taken.offer?.deployment ?? deployment;
      };
      const changed = await this.deployments.change(tx, id, step, { newHolders: [host.id], skipLocked });
      if (changed === null) return 'busy';
      if (taken.offer === null) return null;
      const { slot } = taken.offer;
      const { generation } = changed.service;
      const isIt = (row: Assignment) =>
        row.hostId === host.id && row.slot === slot && row.generation === generation;
      const assignment = liveOf(changed).find(isIt);
      return assignment === undefined ? null : { deployment: changed, assignment };
    });
  }
}

/** What a look has found. */
interface Found {
  readonly id: string;
  readonly kind: Offer['kind'];
  readonly hasRival: boolean;
}

function unknownService(id: string): Problem {
  return new Problem('service-not-found', `unknown service: ${id}`);
}
