import { Inject, Injectable } from '@nestjs/common';
import { type Tx } from '../../platform/database/database.js';
import { type ControlPlaneConfig } from '../config.js';
import { cutOutput } from '../jobs/index.js';
import { capabilitySet, type ForeignJob, HostJobs, ImportService } from '../ledger/index.js';
import { HostsRegistry } from '../registry/index.js';
import { type ForeignService, ServicesImport, type WrittenService } from '../services/index.js';
import { CONFIG } from '../runtime/index.js';
import { type Remark } from './domain/remark.js';
import { type Standing, type Stamp } from './domain/stamp.js';
import { type JobRecord } from './snapshot/job-record.js';
import { type ServiceRecord } from './snapshot/service-record.js';
import { type HostRecord } from './snapshot/snapshot.js';

/** Is told of what became of records that could not be taken as they came. */
export type Remarking = (remark: Remark) => void;

/** The way of one kind of record into the module that owns it. */
export interface Importer<R extends Stamp & { readonly id: string }> {
  /** How those of `ids` that are here stand, locked until the transaction ends. */
  standings(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, Standing>>;
  /** Writes records whose ids are free; the marks of those that were written. Tells `remark` of what came otherwise. */
  add(tx: Tx, records: readonly R[], remark: Remarking): Promise<ReadonlyMap<string, string>>;
  /** The same over those of the same ids. */
  replace(tx: Tx, records: readonly R[], remark: Remarking): Promise<ReadonlyMap<string, string>>;
}

/** Hosts of a snapshot: registered, and offline until they are heard of. */
@Injectable()
export class HostImporter implements Importer<HostRecord> {
  constructor(
    private readonly hosts: HostsRegistry,
    private readonly jobs: HostJobs,
  ) {}

  async standings(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, Standing>> {
    const marks = await this.hosts.standings(tx, ids);
    return new Map([...marks].map(([id, mark]) => [id, { mark, isFinal: false }]));
  }

  async add(tx: Tx, records: readonly HostRecord[]): Promise<ReadonlyMap<string, string>> {
    const marks = await this.hosts.import(
      tx,
      records.map((host) => ({ ...host, capabilities: capabilitySet(host.capabilities) })),
    );
    for (const { id, maxParallel } of records) {
      await this.jobs.setSlots(tx, id, { maxParallel, isOpen: true });
    }
    return marks;
  }

  replace(tx: Tx, records: readonly HostRecord[]): Promise<ReadonlyMap<string, string>> {
    return this.add(tx, records);
  }
}

const STATUS = { queued: 'queued', leased: 'queued', completed: 'succeeded', failed: 'failed' } as const;
const MAX_ERROR_LENGTH = 2_000;

/** Jobs of a snapshot: tasks of the ledger. A lease is not taken over, but waited for. */
@Injectable()
export class JobImporter implements Importer<JobRecord> {
  constructor(
    private readonly ledger: ImportService,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  async standings(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, Standing>> {
    const stored = await this.ledger.standings(tx, ids);
    return new Map(
      stored.map(({ id, version, hasEnded }) => [id, { mark: String(version), isFinal: hasEnded }]),
    );
  }

  async add(tx: Tx, records: readonly JobRecord[]): Promise<ReadonlyMap<string, string>> {
    return marksOf(
      await this.ledger.add(
        tx,
        records.map((record) => this.jobOf(record)),
      ),
    );
  }

  async replace(tx: Tx, records: readonly JobRecord[]): Promise<ReadonlyMap<string, string>> {
    return marksOf(
      await this.ledger.replace(
        tx,
        records.map((record) => this.jobOf(record)),
      ),
    );
  }

  private jobOf(record: JobRecord): ForeignJob {
    const { status, result, assignedHostId, createdAt } = record;
    const { maxOutputBytes } = this.config.skyclaw;
    const updatedAt = record.updatedAt === '' ? createdAt : record.updatedAt;
    const hasEnded = status === 'completed' || status === 'failed';
    return {
      id: record.id,
      kind: record.kind,
      payload: record.payload,
      priority: record.priority,
      requiredCapabilities: capabilitySet(record.requiredCapabilities),
      dependencies: [...new Set(record.dependencies)],
      submittedBy: record.submittedBy,
      status: STATUS[status],
      attempts: record.attempts,
      assignedHostId: status === 'queued' ? null : assignedHostId,
      leasedUntil: status === 'leased' ? record.leaseExpiresAt : null,
      result:
        hasEnded && result !== null
          ? {
              ...result,
              stdout: cutOutput(result.stdout, maxOutputBytes),
              stderr: cutOutput(result.stderr, maxOutputBytes),
            }
          : {},
      error: hasEnded ? record.error.slice(0, MAX_ERROR_LENGTH) : '',
      ttlMs: record.ttlMs,
      createdAt,
      updatedAt,
      completedAt: hasEnded ? (result?.finishedAt ?? updatedAt) : null,
      version: record.version,
      updatedBy: record.updatedBy,
    };
  }
}

/** Services of a snapshot: deployed here, for hosts of this coordinator to ask for. */
@Injectable()
export class ServiceImporter implements Importer<ServiceRecord> {
  constructor(private readonly services: ServicesImport) {}

  async standings(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, Standing>> {
    const versions = await this.services.versions(tx, ids);
    return new Map([...versions].map(([id, version]) => [id, { mark: String(version), isFinal: false }]));
  }

  add(tx: Tx, records: readonly ServiceRecord[], remark: Remarking): Promise<ReadonlyMap<string, string>> {
    return writtenOneByOne(records, remark, (service) => this.services.add(tx, service));
  }

  replace(
    tx: Tx,
    records: readonly ServiceRecord[],
    remark: Remarking,
  ): Promise<ReadonlyMap<string, string>> {
    return writtenOneByOne(records, remark, (service) => this.services.replace(tx, service));
  }
}

/** Of several services of one name the first one that is written gets it. */
async function writtenOneByOne(
  records: readonly ServiceRecord[],
  remark: Remarking,
  write: (service: ForeignService) => Promise<WrittenService>,
): Promise<ReadonlyMap<string, string>> {
  const marks = new Map<string, string>();
  for (const record of [...records].sort(byClaimToName)) {
    const { version, name, isStopped } = await write(foreignService(record));
    marks.set(record.id, String(version));
    if (name === record.name) continue;
    const stopped = isStopped && !record.isStopped ? ', stopped, since it had failed' : '';
    const text = `imported as '${name}'${stopped}: another service has the name '${record.name}'`;
    remark({ kind: 'service', id: record.id, text });
  }
  return marks;
}

/** What runs or is to run goes before what has failed or is stopped, then the newest. */
function byClaimToName(one: ServiceRecord, other: ServiceRecord): number {
  const idle = ({ isStopped, hasFailed }: ServiceRecord) => Number(isStopped || hasFailed);
  const age = Date.parse(other.createdAt) - Date.parse(one.createdAt);
  return idle(one) - idle(other) || age || (one.id < other.id ? 1 : -1);
}

function foreignService(record: ServiceRecord): ForeignService {
  const { id, name, replicas, command, args, cwd, env, requiredCapabilities } = record;
  const { maxPerHost, healthPath, image, network, isStopped, hasFailed, updatedBy } = record;
  return {
    ...{ id, name, replicas, isStopped, hasFailed, updatedBy },
    spec: {
      ...{ command, args, cwd, env: Object.keys(env).length === 0 ? null : env },
      requiredCapabilities: capabilitySet(requiredCapabilities),
      ...{ maxPerHost, healthPath, image, network },
    },
    createdAt: Date.parse(record.createdAt),
  };
}

function marksOf(
  written: readonly { readonly id: string; readonly version: number }[],
): ReadonlyMap<string, string> {
  return new Map(written.map(({ id, version }) => [id, String(version)]));
}
