import { Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { Database, type Db, type Tx } from '../../platform/database/database.js';
import { type AuditTrait, traitsOf } from '../../platform/http/route.decorator.js';
import { type AuditEntry, type EntryFilter, insertEntry, listNewest, listOldest } from './audit.queries.js';
import { entryOf } from './entry.js';

const EXPORT_PAGE = 500;

/**
 * The audit trail: which administrative acts were done, by whom, when and from where. A route says by its trait that it is
 * one; the entry is written by the transaction that does it, so there is neither without the other.
 */
@Injectable()
export class Audit {
  constructor(private readonly database: Database) {}

  /** Whether a request is for an act whose entry is to be written around its work. */
  covers(request: FastifyRequest, moment: AuditTrait['written'] = 'with the work'): boolean {
    const { audit } = traitsOf(request);
    return audit !== undefined && (audit.written ?? 'with the work') === moment;
  }

  /** Does the work of an act and writes it down, in one transaction. */
  around<T>(db: Db, request: FastifyRequest, work: (tx: Tx) => Promise<T>): Promise<T> {
    return db.transaction(async (tx) => {
      const answer = await work(tx);
      await this.record(tx, request, answer);
      return answer;
    });
  }

  /** Writes down that a request leaves the process to do its act: it may be done from now on. */
  before(request: FastifyRequest): Promise<void> {
    return this.database.transaction((tx) => this.record(tx, request));
  }

  /** Writes down, with `tx`, the act of a request, or another one of its acts. For those that have a transaction. */
  async record(tx: Tx, request: FastifyRequest, answer?: unknown, action?: string): Promise<void> {
    const { audit } = traitsOf(request);
    if (audit === undefined) throw new Error(`The route ${request.routeOptions.url ?? ''} is no act.`);
    await insertEntry(tx, entryOf(request, action === undefined ? audit : { ...audit, action }, answer));
  }

  /** Up to `limit` entries, newest first; those below `before` if given. */
  list(filter: EntryFilter, before: number | null, limit: number): Promise<AuditEntry[]> {
    return listNewest(this.database, filter, before, limit);
  }

  /** All entries, oldest first, read page by page as they are taken. */
  async *all(filter: EntryFilter): AsyncGenerator<AuditEntry> {
    for (let after = 0; ;) {
      const page = await listOldest(this.database, filter, after, EXPORT_PAGE);
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < EXPORT_PAGE) return;
      after = last.id;
    }
  }
}
