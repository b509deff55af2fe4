import { type Instant } from '../../../platform/database/row.js';
import { type RecordFields, stampFrom } from './record-fields.js';
import { type Candidate } from '../domain/leave-out.js';
import { type Stamp } from '../domain/stamp.js';

/** A service as another coordinator had it. Which hosts ran it there is not kept: they will ask for it again. */
export interface ServiceRecord extends Stamp, Candidate {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly replicas: number;
  readonly requiredCapabilities: readonly string[];
  readonly maxPerHost: number;
  readonly healthPath: string | null;
  readonly image: string | null;
  readonly network: boolean | null;
  readonly isStopped: boolean;
  /** No process of it ran there, and none was to be started again. */
  readonly hasFailed: boolean;
  readonly createdAt: Instant;
}

const ID = 200;
const UNREACHABLE = 'network is false: a service without a network could be reached by nobody';
const STATUSES = ['pending', 'running', 'failed', 'stopped'] as const;

export function serviceFrom(fields: RecordFields): ServiceRecord {
  const status = fields.oneOf('status', STATUSES);
  const env = fields.value('env') ?? {};
  if (!isEnvironment(env)) fields.fail('env', 'must be an object of texts, by names without =');
  const healthPath = fields.textOrNull('healthPath', 1_000);
  if (healthPath !== null && !/^\/[\x21-\x7e]*$/.test(healthPath)) {
    fields.fail('healthPath', 'must be a path that begins with / and has no blanks');
  }
  const replicas = fields.integer('replicas', 1, { min: 0, max: 1_000 });
  const network = fields.flagOrNull('network');
  // One that should have no replicas is told of as stopped as well.
  const isStopped = status === 'stopped' && replicas > 0;
  const masked = Object.entries(env)
    .find(([, value]) => value === '***')?.[0]
    .slice(0, 100);
  const hidden = `env hides the value of ${masked}; deploy the service anew instead`;
  return {
    unfit: masked === undefined || isStopped ? (network === false ? UNREACHABLE : null) : hidden,
    awaited: [],
    id: fields.text('id', ID),
    name: fields.text('name', ID),
    command: fields.text('command', 4_096),
    args: fields.texts('args', { maxItems: 10_000, maxLength: 1_048_576 }),
    cwd: fields.textOrNull('cwd', 4_096),
    env,
    replicas,
    requiredCapabilities:
      fields.value('requiredCapabilities') === null
        ? ['service-host']
        : fields.texts('requiredCapabilities', { maxItems: 1_000, maxLength: ID }),
    maxPerHost: fields.integer('maxPerHost', 1, { min: 1, max: 100 }),
    healthPath,
    image: fields.value('image') === null ? null : fields.text('image', 500),
    network,
    isStopped,
    hasFailed: status === 'failed',
    createdAt: fields.instant('createdAt'),
    ...stampFrom(fields),
  };
}

function isEnvironment(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length <= 10_000 &&
    Object.entries(value).every(([name, entry]) => /^[^=\0]+$/.test(name) && typeof entry === 'string')
  );
}
