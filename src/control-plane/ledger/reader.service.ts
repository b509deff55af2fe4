import { Injectable } from '@nestjs/common';
import { Database, type Db } from '../../platform/database/database.js';
import { listOwnership, type Ownership } from './queries/file.queries.js';
import { type HolderOfTasks, holdersAmong, inFlightByGateway, listHolders } from './queries/lease.queries.js';
import { findTaskById, listTasks, statusesOf, type TaskFilter } from './queries/read.queries.js';
import { type TaskStatus } from './domain/task-state.js';
import { type Task } from './domain/task.js';

/** Questions that others ask the ledger. Nothing here changes anything. */
@Injectable()
export class LedgerReader {
  constructor(private readonly database: Database) {}

  findTask(id: string, db: Db = this.database): Promise<Task | null> {
    return findTaskById(db, id);
  }

  /** The states of tasks; one that is not there is missing. */
  statusesOf(ids: readonly string[], db: Db = this.database): Promise<ReadonlyMap<string, TaskStatus>> {
    return statusesOf(db, ids);
  }

  /** Tasks below a position, newest first. */
  listTasks(filter: TaskFilter, beforeSeq: number, limit: number): Promise<Task[]> {
    return listTasks(this.database, filter, beforeSeq, limit);
  }

  /** Owned files by path, after a position. */
  listOwnership(
    after: { readonly projectId: string; readonly path: string },
    limit: number,
  ): Promise<Ownership[]> {
    return listOwnership(this.database, after, limit);
  }

  /** Whoever holds tasks now, by when they took the oldest, newest first; those after `after` if given. */
  listHolders(
    after: Pick<HolderOfTasks, 'lockedAt' | 'lockedBy'> | null,
    limit: number,
  ): Promise<HolderOfTasks[]> {
    return listHolders(this.database, after, limit);
  }

  /** Those of `ids` that hold tasks now. */
  holdersAmong(ids: readonly string[]): Promise<HolderOfTasks[]> {
    return holdersAmong(this.database, ids);
  }

  /** How many dispatched tasks each gateway is running, over all replicas. */
  inFlightByGateway(): Promise<ReadonlyMap<string, number>> {
    return inFlightByGateway(this.database);
  }
}
