import { type Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Database, type Db } from '../../platform/database/database.js';
import { TOPICS, Waiting } from '../runtime/index.js';
import { type ClaimCall, CoalescedLedger } from './coalesced-ledger.service.js';
import { type ClaimedTask } from './domain/task.js';

export interface ClaimWish {
  readonly claimer: ClaimCall['claimer'];
  readonly max: number;
  readonly start: boolean;
  /** How long to wait for work when there is none. */
  readonly waitMs: number;
}

/** Claims for callers who may wait for work, over a connection that may end meanwhile. */
@Injectable()
export class WaitingClaims {
  constructor(
    private readonly database: Database,
    private readonly ledger: CoalescedLedger,
    private readonly waiting: Waiting,
  ) {}

  /** Up to `max` tasks; none when there was no work in time, or the caller hung up. A transaction never waits. */
  async claim(db: Db, { waitMs, ...wish }: ClaimWish, connection: Socket): Promise<ClaimedTask[]> {
    const call = { ...wish, isGone: () => connection.destroyed };
    if (waitMs === 0 || db !== this.database) return this.ledger.claim(db, call);
    const claimed = await this.waiting.until(TOPICS.ready, connection, waitMs, async () => {
      const tasks = await this.ledger.claim(db, call);
      return tasks.length > 0 ? tasks : null;
    });
    return claimed ?? [];
  }
}
