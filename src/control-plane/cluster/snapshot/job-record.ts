import { type JobResult } from '../../../contracts/skyclaw.js';
import { type Instant, type JsonObject } from '../../../platform/database/row.js';
import { readPayload } from '../../jobs/index.js';
import { type Candidate } from '../domain/leave-out.js';
import { type Stamp } from '../domain/stamp.js';
import { type RecordFields, stampFrom } from './record-fields.js';

/** A job as another coordinator had it. */
export interface JobRecord extends Stamp, Candidate {
  readonly kind: string;
  /** Of a job that has ended: as it came, whatever may be handed in by now. */
  readonly payload: JsonObject;
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

const ID = 200;
const CAPABILITIES = { maxItems: 1_000, maxLength: ID };
const OUTPUT = 64 * 1_048_576;
const TTL_MS = { min: 1_000, max: 366 * 86_400_000 };
const MASK = '***';
/** The kind of a job that has ended and names none that a job can have. */
const NO_KIND = 'unknown';

export function jobFrom(fields: RecordFields): JobRecord {
  const status = fields.oneOf('status', ['queued', 'leased', 'completed', 'failed']);
  const hasEnded = status === 'completed' || status === 'failed';
  const dependencies = fields.texts('dependencies', { maxItems: 10_000, maxLength: ID });
  return {
    id: fields.text('id', ID),
    ...(hasEnded ? pastPayload(fields) : payloadToRun(fields)),
    awaited: hasEnded ? [] : dependencies,
    requiredCapabilities: fields.inner('requirement')?.texts('requiredCapabilities', CAPABILITIES) ?? [],
    status,
    priority: fields.integer('priority', 0, { min: -1_000_000, max: 1_000_000 }),
    dependencies,
    submittedBy: fields.textOrNull('submittedBy', ID),
    assignedHostId: fields.textOrNull('assignedHostId', ID),
    leaseExpiresAt: fields.instantOrNull('leaseExpiresAt'),
    attempts: fields.integer('attempts', 0, { min: 0, max: 1_000_000 }),
    result: resultFrom(fields.inner('result'), status === 'completed' ? 0 : 1),
    error: fields.textOrNull('error', OUTPUT) ?? '',
    ttlMs: fields.value('ttlMs') === null ? null : fields.integer('ttlMs', 0, TTL_MS),
    createdAt: fields.instant('createdAt'),
    ...stampFrom(fields),
  };
}

type Payload = Pick<JobRecord, 'kind' | 'payload' | 'unfit'>;

/** What a host is going to be given keeps the rules of what is handed in. */
function payloadToRun(fields: RecordFields): Payload {
  const read = readPayload(fields.value('payload'));
  if (!read.ok) return { kind: NO_KIND, payload: {}, unfit: read.why };
  const { payload } = read;
  // What reads of a job show in place of secrets must not become its environment.
  const masked = Object.entries(payload.env ?? {})
    .find(([, value]) => value === MASK)?.[0]
    .slice(0, 100);
  const hidden = `payload.env hides the value of ${masked}; only whoever handed the job in knows it`;
  return {
    kind: payload.kind,
    payload: payload as unknown as JsonObject,
    unfit: masked === undefined ? null : hidden,
  };
}

/** Nobody runs it any more. */
function pastPayload(fields: RecordFields): Payload {
  const { env, ...payload } = objectOrNull(fields.value('payload')) ?? {};
  const variables = objectOrNull(env);
  const kind = payload['kind'];
  const isKind = typeof kind === 'string' && /^[a-z0-9-]{1,100}$/i.test(kind) && kind !== 'action';
  return {
    kind: isKind ? kind : NO_KIND,
    payload: variables === null ? payload : { ...payload, env: variables },
    unfit: null,
  };
}

function objectOrNull(value: unknown): JsonObject | null {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as JsonObject) : null;
}

/** Older coordinators wrote down what the host said, and it need not have said all. */
function resultFrom(fields: RecordFields | null, exitCode: number): JobResult | null {
  if (fields === null) return null;
  const finishedAt = fields.instant('finishedAt');
  return {
    finishedAt: new Date(finishedAt).toISOString(),
    durationMs: fields.rounded('durationMs', 0, { min: 0, max: Number.MAX_SAFE_INTEGER }),
    exitCode: fields.rounded('exitCode', exitCode, { min: -2_147_483_648, max: 4_294_967_295 }),
    stdout: fields.textOrNull('stdout', OUTPUT) ?? '',
    stderr: fields.textOrNull('stderr', OUTPUT) ?? '',
  };
}
