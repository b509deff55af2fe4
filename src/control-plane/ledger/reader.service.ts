import { Injectable } from '@nestjs/common';
import { Database, type Db } from '../../platform/database/database.js';
import { exclude } from './domain/use-index.js';
import { storedPattern } from './domain/wanted-files.js';
import {
  type FileWait,
  findQueue,
  listOwnership,
  listWaiters,
  type Ownership,
} from './queries/ownership.queries.js';
import { type HolderOfTasks, holdersAmong, inFlightByGateway, listHolders } from './queries/lease.queries.js';
import { type OpenExecution, openExecutionsAt, openKeysAmong } from './queries/open-executions.queries.js';
import { findTaskById, listTasks, projectsOf, statusesOf, type TaskFilter } from './queries/read.queries.js';
import { type TaskStatus } from './domain/task-state.js';
import { type Task } from './domain/task.js';

/** Waiters that one look at owned files reads, and shows of each. */
const MAX_QUEUE = 2_000;
const MAX_SHOWN = 100;

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

  /** The projects of tasks; one that is not there is missing. */
  projectsOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return projectsOf(this.database, ids);
  }

  /** Tasks below a position, newest first. */
  listTasks(filter: TaskFilter, beforeSeq: number, limit: number): Promise<Task[]> {
    return listTasks(this.database, filter, beforeSeq, limit);
  }

  /** Owned files by project and path, after a position. */
  listOwnership(
    after: Pick<Ownership, 'projectId' | 'path' | 'taskSeq'>,
    projectId: string | null,
    limit: number,
  ): Promise<Ownership[]> {
    return listOwnership(this.database, after, projectId, limit);
  }

  /** For each of the owned files the tasks that wait for it, those who come first in front. */
  async waitersOf(owned: readonly Ownership[]): Promise<ReadonlyMap<Ownership, readonly string[]>> {
    const waiters = new Map<Ownership, readonly string[]>();
    for (const projectId of new Set(owned.map((entry) => entry.projectId))) {
      const uses = owned
        .filter((entry) => entry.projectId === projectId)
        .map((entry) => ({ entry, pattern: storedPattern(entry.path), mode: entry.mode }));
      const queue = await findQueue(this.database, projectId, uses, MAX_QUEUE);
      for (const use of uses) {
        const ids = queue.filter((wait) => exclude(wait, use)).map(({ taskId }) => taskId);
        waiters.set(use.entry, [...new Set(ids)].slice(0, MAX_SHOWN));
      }
    }
    return waiters;
  }

  /** What tasks wait for, in the order of arrival, after a position. */
  listWaiters(
    after: Pick<FileWait, 'taskSeq' | 'path'>,
    projectId: string | null,
    limit: number,
  ): Promise<FileWait[]> {
    return listWaiters(this.database, after, projectId, limit);
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

  /** What a gateway may be executing: the oldest of it, and how much it is. */
  openExecutionsAt(
    gatewayId: string,
    db: Db = this.database,
  ): Promise<{ readonly first: readonly OpenExecution[]; readonly total: number }> {
    return openExecutionsAt(db, gatewayId);
  }

  /** Those of some executions whose tasks wait for how they end, by their keys. */
  openKeysAmong(
    executions: readonly { readonly taskId: string; readonly key: string }[],
  ): Promise<ReadonlySet<string>> {
    return openKeysAmong(this.database, executions);
  }
}
