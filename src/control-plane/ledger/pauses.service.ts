import { Inject, Injectable } from '@nestjs/common';
import { Database, type Db } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type Gateway, RegistryService } from '../registry/index.js';
import { LOGGER, TOPICS } from '../runtime/index.js';
import { type Pause, type PauseTarget } from './domain/pause.js';
import * as queries from './queries/pause.queries.js';

/** How old what {@link PausesService.recent} says may be. */
const RECENT_MS = 1_000;
/** Paused projects that the recent look knows; a hint need not know all. */
const MOST_RECENT = 1_000;

/**
 * Holding back what is not yet claimed: of a project, through a gateway, or all. A pause is a row, and claims look at it:
 * from its commit on no replica claims what is paused. What is held goes on, and no task is written.
 */
@Injectable()
export class PausesService {
  private known: { readonly endsAt: number; readonly pauses: Promise<readonly Pause[]> } | undefined;

  constructor(
    private readonly database: Database,
    private readonly registry: RegistryService,
    private readonly wakeups: Wakeups,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Claims that begin after this is committed leave it out. Null when there is no such gateway. */
  async pause(db: Db, target: PauseTarget, reason: string): Promise<Pause | null> {
    const paused =
      target.scope === 'gateway'
        ? pauseOf(await this.registry.pauseGateway(db, target.name, reason))
        : await queries.pause(db, target, reason);
    if (paused === null) return null;
    db.afterCommit(() => {
      this.known = undefined;
      this.logger.info({ ...paused }, 'Paused.');
    });
    return paused;
  }

  /**
   * Pauses a gateway, and notes that it is to come to its end with what it executes, by a deadline unless that is null.
   * Resuming ends the drain. Null when there is no such gateway.
   */
  async drain(
    db: Db,
    gatewayId: string,
    drain: { readonly reason: string; readonly deadlineSeconds: number | null },
  ): Promise<Gateway | null> {
    const gateway = await this.registry.drainGateway(db, gatewayId, drain);
    if (gateway === null) return null;
    db.afterCommit(() => {
      this.known = undefined;
      this.logger.info({ gatewayId, ...drain }, 'Draining.');
    });
    return gateway;
  }

  /** Lets it be claimed again, and says so to all who wait for work. False when there is no such gateway. */
  async resume(db: Db, target: PauseTarget): Promise<boolean> {
    if (target.scope !== 'gateway') await queries.resume(db, target);
    else if ((await this.registry.resumeGateway(db, target.name)) === null) return false;
    db.afterCommit(() => {
      this.known = undefined;
      this.wakeups.publish(TOPICS.ready);
      this.logger.info({ ...target }, 'Resumed.');
    });
    return true;
  }

  /** Up to `limit` of all pauses: of the queue, of gateways by id, of projects by name; those behind `after` if given. */
  async list(after: PauseTarget | null, limit: number): Promise<Pause[]> {
    const found: Pause[] = [];
    if (after === null) found.push(...(await queries.findPausesOf(this.database, [])));
    if (after?.scope !== 'project') {
      const behind = after?.scope === 'gateway' ? after.name : '';
      const gateways = (await this.registry.listGateways()).flatMap((gateway) => pauseOf(gateway) ?? []);
      found.push(...gateways.sort(byName).filter(({ name }) => name > behind));
    }
    if (found.length < limit) {
      const behind = after?.scope === 'project' ? after.name : '';
      found.push(...(await queries.listPausedProjects(this.database, behind, limit - found.length)));
    }
    return found.slice(0, limit);
  }

  /** Pauses of the queue and of projects as they were up to a second ago: one look serves all who ask meanwhile. */
  recent(): Promise<readonly Pause[]> {
    const now = performance.now();
    if (this.known === undefined || this.known.endsAt <= now) {
      const pauses = this.look();
      this.known = { endsAt: now + RECENT_MS, pauses };
      // A look that failed serves nobody but those who are already waiting for it.
      pauses.catch(() => (this.known = undefined));
    }
    return this.known.pauses;
  }

  private async look(): Promise<readonly Pause[]> {
    const [queue, projects] = await Promise.all([
      queries.findPausesOf(this.database, []),
      queries.listPausedProjects(this.database, '', MOST_RECENT),
    ]);
    return [...queue, ...projects];
  }
}

function pauseOf(gateway: Gateway | null): Pause | null {
  if (gateway?.pausedAt == null) return null;
  const { gatewayId: name, pauseReason, pausedAt } = gateway;
  return { scope: 'gateway', name, reason: pauseReason ?? '', pausedAt };
}

const byName = (a: Pause, b: Pause): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
