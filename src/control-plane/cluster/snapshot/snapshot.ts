import { setImmediate } from 'node:timers/promises';
import { type JobPayload, type JobResult } from '../../../contracts/skyclaw.js';
import { type Instant } from '../../../platform/database/row.js';
import { readPayload } from '../../jobs/index.js';
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

/** A job as another coordinator had it. */
export interface JobRecord extends Stamp {
  readonly id: string;
  readonly payload: JobPayload;
  readonly requiredCapabilities: readonly string[];
  readonly status: 'queued' | 'leased' | 'completed' | 'failed';
  readonly priority: number;
  readonly dependencies: readonly string[];
  readonly submittedBy: string | null;
  readonly assignedHostId: string | null;
  readonly leaseExpiresAt: Instant | null;
  readonly attempts: number;
  readonly result: JobResult | null;
  readonly error: string;
  readonly ttlMs: number | null;
  readonly createdAt: Instant;
}

export interface Snapshot {
  readonly hosts: readonly HostRecord[];
  readonly jobs: readonly JobRecord[];
  readonly services: readonly ServiceRecord[];
}

export type ReadSnapshot =
  { readonly ok: true; readonly snapshot: Snapshot } | { readonly ok: false; readonly why: string };

const MOST = { hosts: 10_000, jobs: 100_000, services: 10_000 } as const;
const ID = 200;
const CAPABILITIES = { maxItems: 1_000, maxLength: ID };
const OUTPUT = 64 * 1_048_576;
const MASK = '***';
/** Records that are read in one go. */
const BREATH = 500;

/**
 * A snapshot of another coordinator, every record of it checked; or the first thing that is wrong with it, and where. A
 * large one takes a second or two, in which others have their turns.
 */
export async function readSnapshot(raw: unknown): Promise<ReadSnapshot> {
  try {
    const body = RecordFields.of(raw, 'body');
    body.textOrNull('nodeId', ID);
    return {
      ok: true,
      snapshot: {
        hosts: await recordsOf(body, 'hosts', hostFrom),
        jobs: await recordsOf(body, 'jobs', jobFrom),
        services: body.value('services') === null ? [] : await recordsOf(body, 'services', serviceFrom),
      },
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

function jobFrom(fields: RecordFields): JobRecord {
  const read = readPayload(fields.value('payload'));
  if (!read.ok) throw new RecordFault(`${fields.place}:`, read.why);
  const status = fields.oneOf('status', ['queued', 'leased', 'completed', 'failed']);
  const hasEnded = status === 'completed' || status === 'failed';
  if (!hasEnded) refuseMasked(fields, read.payload);
  return {
    id: fields.text('id', ID),
    payload: read.payload,
    requiredCapabilities: fields.inner('requirement')?.texts('requiredCapabilities', CAPABILITIES) ?? [],
    status,
    priority: fields.integer('priority', 0, { min: -1_000_000, max: 1_000_000 }),
    dependencies: fields.texts('dependencies', { maxItems: 10_000, maxLength: ID }),
    submittedBy: fields.textOrNull('submittedBy', ID),
    assignedHostId: fields.textOrNull('assignedHostId', ID),
    leaseExpiresAt: fields.instantOrNull('leaseExpiresAt'),
    attempts: fields.integer('attempts', 0, { min: 0, max: 1_000_000 }),
    result: resultFrom(fields.inner('result')),
    error: fields.textOrNull('error', OUTPUT) ?? '',
    ttlMs: fields.value('ttlMs') === null ? null : fields.integer('ttlMs', 0, TTL_MS),
    createdAt: fields.instant('createdAt'),
    ...stampFrom(fields),
  };
}

const TTL_MS = { min: 1_000, max: 366 * 86_400_000 };

/** What reads of a job show in place of secrets must not become its environment. */
function refuseMasked(fields: RecordFields, { env = {} }: JobPayload): void {
  const masked = Object.entries(env).find(([, value]) => value === MASK);
  if (masked === undefined) return;
  fields.fail(
    'payload.env',
    `hides the value of ${masked[0].slice(0, 100)}; only whoever handed the job in knows it`,
  );
}

function resultFrom(fields: RecordFields | null): JobResult | null {
  if (fields === null) return null;
  const finishedAt = fields.instant('finishedAt');
  return {
    finishedAt: new Date(finishedAt).toISOString(),
    durationMs: fields.rounded('durationMs', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    exitCode: fields.rounded('exitCode', { min: -2_147_483_648, max: 4_294_967_295 }),
    stdout: fields.textOrNull('stdout', OUTPUT) ?? '',
    stderr: fields.textOrNull('stderr', OUTPUT) ?? '',
  };
}
