import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../platform/database/database.js';
import { type Remark } from './domain/remark.js';
import { type Stamp, verdictOn } from './domain/stamp.js';
import { HostImporter, type Importer, JobImporter, type Remarking, ServiceImporter } from './importers.js';
import { findImported, keepImported, lockImports, type RecordKind } from './imports.queries.js';
import { type Snapshot } from './snapshot/snapshot.js';

type ForeignRecord = Stamp & { readonly id: string };

/** What became of a snapshot. */
export interface TakenIn {
  /** Whether anything was written. */
  readonly changed: boolean;
  /** What was written otherwise than it came. */
  readonly remarks: readonly Remark[];
}

/** Takes in what another coordinator had: once, or again and again while it still runs. */
@Injectable()
export class SnapshotImport {
  constructor(
    private readonly database: Database,
    private readonly hosts: HostImporter,
    private readonly jobs: JobImporter,
    private readonly services: ServiceImporter,
  ) {}

  /**
   * Imports a snapshot, all of it or nothing. Records that are not here are added; one that is here is replaced only when
   * it was imported, has never been changed here, and the one that comes is newer and does not go back. Sending the same
   * snapshot twice changes nothing. `record` writes down, in the same transaction, that something was written.
   */
  import({ hosts, jobs, services }: Snapshot, record: (tx: Tx) => Promise<void>): Promise<TakenIn> {
    return this.database.transaction(async (tx) => {
      const remarks: Remark[] = [];
      const remark = (said: Remark) => void remarks.push(said);
      await lockImports(tx);
      const written = [
        await this.take(tx, 'host', hosts, this.hosts, remark),
        await this.take(tx, 'job', jobs, this.jobs, remark),
        await this.take(tx, 'service', services, this.services, remark),
      ];
      const changed = written.some((records) => records > 0);
      if (changed) await record(tx);
      return { changed, remarks };
    });
  }

  /** How many records were written. */
  private async take<R extends ForeignRecord>(
    tx: Tx,
    kind: RecordKind,
    records: readonly R[],
    importer: Importer<R>,
    remark: Remarking,
  ): Promise<number> {
    if (records.length === 0) return 0;
    const ids = records.map(({ id }) => id);
    const standings = await importer.standings(tx, ids);
    const imported = await findImported(tx, kind, ids);
    const judged = { add: [] as R[], replace: [] as R[], leave: [] as R[] };
    for (const record of records) {
      const incoming = { ...stampOf(record), isFinal: isFinal(record) };
      judged[verdictOn(incoming, standings.get(record.id), imported.get(record.id))].push(record);
    }
    const marks = new Map<string, string>();
    if (judged.add.length > 0)
      for (const [id, mark] of await importer.add(tx, judged.add, remark)) marks.set(id, mark);
    if (judged.replace.length > 0)
      for (const [id, mark] of await importer.replace(tx, judged.replace, remark)) marks.set(id, mark);
    const written = records.flatMap((record) => {
      const mark = marks.get(record.id);
      return mark === undefined ? [] : [{ id: record.id, ...stampOf(record), mark }];
    });
    if (written.length > 0) await keepImported(tx, kind, written);
    return written.length;
  }
}

const stampOf = ({ version, updatedAt, updatedBy }: Stamp): Stamp => ({ version, updatedAt, updatedBy });

/** Of jobs alone: hosts and services have no end that they could go back behind. */
function isFinal(record: object): boolean {
  return 'status' in record && (record.status === 'completed' || record.status === 'failed');
}
