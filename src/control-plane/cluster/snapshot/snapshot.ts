import { setImmediate } from 'node:timers/promises';
import { type Instant } from '../../../platform/database/row.js';
import { leaveOut } from '../domain/leave-out.js';
import { type Remark } from '../domain/remark.js';
import { type JobRecord, jobFrom } from './job-record.js';
import { RecordFault, RecordFields, stampFrom } from './record-fields.js';
import { type ServiceRecord, serviceFrom } from './service-record.js';
import { type Stamp } from '../domain/stamp.js';

/** A host as another coordinator had it. */
export interface HostRecord extends Stamp {
  readonly id: string;
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly maxParallel: number;
  readonly registeredAt: Instant;
  readonly lastSeenAt: Instant;
}

export interface Snapshot {
  readonly hosts: readonly HostRecord[];
  readonly jobs: readonly JobRecord[];
  readonly services: readonly ServiceRecord[];
}

export type ReadSnapshot =
  | { readonly ok: true; readonly snapshot: Snapshot; readonly remarks: readonly Remark[] }
  | { readonly ok: false; readonly why: string };

const MOST = { hosts: 10_000, jobs: 100_000, services: 10_000 } as const;
const ID = 200;
const CAPABILITIES = { maxItems: 1_000, maxLength: ID };
/** Records that are read in one go. */
const BREATH = 500;

/**
 * A snapshot of another coordinator, every record of it checked, without those that cannot run here, of which `remarks`
 * tells; or the first thing that cannot be read, and where. A large one takes a second or two, in which others have their turns.
 */
export async function readSnapshot(raw: unknown): Promise<ReadSnapshot> {
  try {
    const body = RecordFields.of(raw, 'body');
    body.textOrNull('nodeId', ID);
    const hosts = await recordsOf(body, 'hosts', hostFrom);
    const jobs = leaveOut('job', await recordsOf(body, 'jobs', jobFrom));
    const services = leaveOut(
      'service',
      body.value('services') === null ? [] : await recordsOf(body, 'services', serviceFrom),
    );
    return {
      ok: true,
      snapshot: { hosts, jobs: jobs.taken, services: services.taken },
      remarks: [...jobs.remarks, ...services.remarks],
    };
  } catch (error) {
    if (error instanceof RecordFault) return { ok: false, why: error.message };
    throw error;
  }
}

async function recordsOf<T extends { readonly id: string }>(
  body: RecordFields,
  name: keyof typeof MOST,
  read: (fields: RecordFields) => T,
): Promise<T[]> {
  const list = body.value(name);
  if (list === null) throw new RecordFault(name, 'is required');
  if (!Array.isArray(list)) throw new RecordFault(name, 'must be a list');
  if (list.length > MOST[name]) {
    throw new RecordFault(name, `has more than ${MOST[name]} records; send them in several snapshots`);
  }
  const ids = new Set<string>();
  const records: T[] = [];
  for (const [index, entry] of (list as unknown[]).entries()) {
    if (index % BREATH === BREATH - 1) await setImmediate();
    const record = read(RecordFields.of(entry, `${name}[${index}]`));
    if (ids.has(record.id)) throw new RecordFault(`${name}[${index}].id`, 'is in the snapshot twice');
    ids.add(record.id);
    records.push(record);
  }
  return records;
}

function hostFrom(fields: RecordFields): HostRecord {
  const lastSeenAt = fields.instant('lastSeenAt');
  return {
    id: fields.text('id', ID),
    name: fields.text('name', ID),
    capabilities: fields.texts('capabilities', CAPABILITIES),
    maxParallel: fields.integer('maxParallel', 1, { min: 1, max: 10_000 }),
    registeredAt: fields.instantOrNull('registeredAt') ?? lastSeenAt,
    lastSeenAt,
    ...stampFrom(fields),
  };
}
