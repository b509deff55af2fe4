import { Inject, Injectable } from '@nestjs/common';
import { type Db, type Tx } from '../../platform/database/database.js';
import { errorCode } from '../../platform/database/errors.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import { type Host, HostsRegistry, mayGetWork } from '../registry/index.js';
import { CONFIG, TOPICS } from '../runtime/index.js';
import { type Circumstances, type RolloutLimits } from './domain/circumstances.js';
import { type Assignment, type Deployment, isSamePlace, type Moment } from './domain/deployment.js';
import { type HostFacts, type HostsById } from './domain/host-facts.js';
import { opensAt } from './domain/offer.js';
import { rolloutDeadline } from './domain/rollout.js';
import { settle } from './domain/settle.js';
import {
  addGeneration,
  currentTime,
  deleteAssignments,
  insertService,
  lockDeployment,
  putAssignments,
  type StoredDeployment,
  updateService,
} from './services.queries.js';

const UNIQUE_VIOLATION = '23505';

/** A change to a deployment, under its lock. */
export type Step = (deployment: Deployment, circumstances: Circumstances) => Deployment;

export interface ChangeOptions {
  /** Hosts that the step may give something to. */
  readonly newHolders?: readonly string[];
  /** Null at once when somebody else is changing the service. */
  readonly skipLocked?: boolean;
}

/**
 * The one way in which a service changes: its row is locked, all of it is read, a rule says what it should be, it is
 * settled, and what differs is written. So every rule sees what every other has committed, on whatever replica.
 */
@Injectable()
export class Deployments {
  readonly limits: RolloutLimits;
  private readonly nodeId: string;

  constructor(
    private readonly hosts: HostsRegistry,
    private readonly wakeups: Wakeups,
    @Inject(CONFIG) { skyclaw }: ControlPlaneConfig,
  ) {
    this.limits = { timeoutMs: skyclaw.rolloutTimeoutMs, maxFailures: skyclaw.rolloutMaxFailures };
    this.nodeId = skyclaw.nodeId;
  }

  /** Stores a service that is new. Null when the id is taken, or the name by another that lives. */
  async add(db: Db, make: (now: Moment, updatedBy: string) => Deployment): Promise<Deployment | null> {
    return db.transaction(async (tx) => {
      const now = await currentTime(tx);
      const circumstances = { hosts: new Map(), now, limits: this.limits };
      const made = settle(make(now, this.nodeId), circumstances);
      const isNew = await insertService(tx, this.timed(made, circumstances));
      if (!isNew) return null;
      this.announce(tx);
      return made;
    });
  }

  /** Changes a service and returns it as it is then; null when there is none. Writes only what differs. */
  async change(db: Db, id: string, step: Step, options: ChangeOptions = {}): Promise<Deployment | null> {
    const { newHolders = [], skipLocked = false } = options;
    return db.transaction(async (tx) => {
      const before = await lockDeployment(tx, id, { skipLocked });
      if (before === null) return null;
      const circumstances = await this.circumstances(tx, [before], newHolders);
      const settled = settle(before, circumstances);
      const changed = settle(step(settled, circumstances), circumstances);
      return this.save(tx, before, changed, circumstances);
    });
  }

  /** Whether a look at a service, without a lock, finds something to change. */
  isSettled(stored: StoredDeployment, circumstances: Circumstances): boolean {
    const settled = settle(stored, circumstances);
    const { openAt, dueAt } = this.timed(settled, circumstances);
    const isSameTime = (one: Moment | null, other: Moment | null) =>
      one === other || (one !== null && other !== null && Math.max(one, other) <= circumstances.now);
    return (
      settled.service === stored.service &&
      !differ(stored.assignments, settled.assignments) &&
      isSameTime(openAt, stored.openAt) &&
      dueAt === stored.dueAt
    );
  }

  /** The time, and the hosts that hold something of these services, besides `more` of them. */
  async circumstances(
    db: Db,
    deployments: readonly Deployment[],
    more: readonly string[] = [],
  ): Promise<Circumstances> {
    const held = deployments.flatMap(({ assignments }) => assignments.map(({ hostId }) => hostId));
    const ids = [...new Set([...held, ...more])];
    const known = ids.length === 0 ? [] : await this.hosts.listByIds(db, ids);
    return { now: await currentTime(db), hosts: hostsById(known), limits: this.limits };
  }

  private async save(
    tx: Tx,
    before: StoredDeployment,
    after: Deployment,
    circumstances: Circumstances,
  ): Promise<Deployment> {
    const timed = this.timed(after, circumstances, before.openAt);
    const hasChanged = after.service !== before.service || differ(before.assignments, after.assignments);
    if (!hasChanged && timed.openAt === before.openAt && timed.dueAt === before.dueAt) return before;
    const { id, generation, spec } = after.service;
    const written = {
      ...after.service,
      updatedAt: circumstances.now,
      updatedBy: this.nodeId,
      version: before.service.version + 1,
    };
    const gone = before.assignments.filter(
      (row) => !after.assignments.some((other) => isSamePlace(row, other)),
    );
    const put = after.assignments.filter((row) => !before.assignments.includes(row));
    if (gone.length > 0) await deleteAssignments(tx, id, gone);
    if (put.length > 0) await putAssignments(tx, id, put);
    if (written.newestGeneration > before.service.newestGeneration)
      await addGeneration(tx, id, generation, spec);
    try {
      await updateService(tx, { ...timed, service: written });
    } catch (error) {
      if (errorCode(error) === UNIQUE_VIOLATION) throw nameInUse(error);
      throw error;
    }
    this.announce(tx);
    return { service: written, assignments: after.assignments };
  }

  /** When a deployment must be looked at. One that is open stays open since then. */
  private timed(deployment: Deployment, { hosts, now }: Circumstances, openSince: Moment | null = null) {
    const opens = opensAt(deployment, hosts, now);
    const openAt = opens === now && openSince !== null && openSince < now ? openSince : opens;
    return { service: deployment.service, openAt, dueAt: this.dueAt(deployment) };
  }

  private dueAt(deployment: Deployment): Moment | null {
    const pending = deployment.assignments.filter(
      ({ status, stop }) => status === 'pending' && stop === null,
    );
    const times = [
      rolloutDeadline(deployment, this.limits),
      ...pending.map(({ claimedAt }) => claimedAt + this.limits.timeoutMs),
    ].filter((time) => time !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  private announce(db: Db): void {
    db.afterCommit(() => this.wakeups.publish(TOPICS.services));
  }
}

export function nameInUse(cause?: unknown): Problem {
  return new Problem('service-name-in-use', 'service name in use', { cause });
}

export function hostFacts(host: Host): HostFacts {
  return {
    ...{ id: host.id, capabilities: host.capabilities, isLost: host.isOffline || host.revokedAt !== null },
    ...{ isDraining: host.drainSince !== null, isDrainOver: host.isDrainOver, mayGetWork: mayGetWork(host) },
  };
}

export function hostsById(hosts: readonly Host[]): HostsById {
  return new Map(hosts.map((host) => [host.id, hostFacts(host)]));
}

/** Whether any assignment has come, gone or changed; unchanged ones are the very same objects. */
function differ(before: readonly Assignment[], after: readonly Assignment[]): boolean {
  return before.length !== after.length || after.some((row) => !before.includes(row));
}
