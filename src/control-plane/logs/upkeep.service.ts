import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { HostJobs } from '../ledger/index.js';
import {
  dropOldEntries,
  dropOutputs,
  listOldJobOutputs,
  listServicesWithOutput,
  type OldOutput,
} from './retention.queries.js';
import { ServicesReader } from '../services/index.js';

/** Outputs that are looked at together; each may hold thousands of entries. */
const OUTPUTS = 20;
const ENTRIES = 1_000;

/** Where a look for old outputs goes on; null when it is through. */
export type Onward<T> = T | null;

/** Deletes output that nobody can ask for any more, a batch a call. */
@Injectable()
export class LogsUpkeep {
  constructor(
    private readonly database: Database,
    private readonly jobs: HostJobs,
    private readonly services: ServicesReader,
  ) {}

  /** Deletes outputs that are older than `days` and whose job is gone: the next few behind `after`. */
  async pruneJobs(
    days: number,
    after: OldOutput | null,
  ): Promise<{ readonly outputs: number; readonly next: Onward<OldOutput> }> {
    const old = await listOldJobOutputs(this.database, days, after, OUTPUTS);
    const gone = await this.jobs.goneAmong(old.map(({ id }) => id));
    const outputs = await dropOutputs(this.database, 'job', gone);
    return { outputs, next: old.length < OUTPUTS ? null : (old.at(-1) ?? null) };
  }

  /** Deletes the outputs of services that are gone, and of the others what is older than `days`: the next few behind `after`. */
  async pruneServices(
    days: number,
    after: string,
  ): Promise<{ readonly outputs: number; readonly entries: number; readonly next: Onward<string> }> {
    const ids = await listServicesWithOutput(this.database, after, OUTPUTS);
    const gone = ids.length === 0 ? [] : await this.services.goneAmong(this.database, ids);
    const outputs = await dropOutputs(this.database, 'service', gone);
    let entries = 0;
    for (const id of ids) {
      if (gone.includes(id)) continue;
      for (let dropped = ENTRIES; dropped === ENTRIES; entries += dropped) {
        dropped = await dropOldEntries(this.database, id, days, ENTRIES);
      }
    }
    return { outputs, entries, next: ids.length < OUTPUTS ? null : (ids.at(-1) ?? null) };
  }
}
