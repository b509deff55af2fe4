import fc from 'fast-check';
import { type Description, type Schema } from './description.js';
import { type Kind, symbolOf } from './known.js';

const OFTEN_MOST = 12;
const RARELY_MOST = 4_000;

/** Texts that mean harm. None of them looks like a statement or a stack of ours, so that an echo is no leak. */
export const hostileText = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      ' ',
      '\0',
      'a\0b',
      '\ud800',
      '\udc00x',
      '\u202e',
      '\ufeff',
      '%',
      '%00',
      '%_',
      '\\',
      '\r\nX-Evil: 1',
    ],
    ...[
      '..',
      '../../../etc/passwd',
      '/',
      '//',
      '~',
      '.',
      '*',
      '**',
      '**/**',
      '{a,b',
      '[',
      '?',
      '-',
      '--',
      '$1',
    ],
    ...[
      "'",
      '"',
      "x' or '1'='1",
      "'; drop table x; --",
      '${7*7}',
      '{{7*7}}',
      '<script>1</script>',
      '$(id)',
      '`id`',
    ],
    ...[
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      'hasOwnProperty',
      'null',
      'undefined',
      'NaN',
      'true',
    ],
    ...[
      '0',
      '-1',
      '1e309',
      '9'.repeat(400),
      '0x10',
      '2026-13-45',
      '0001-01-01T00:00:00Z',
      '9999-12-31T23:59:59Z',
    ],
    ...['+010000-01-01T00:00:00Z', '2026-01-01', 'infinity', '-infinity', 'epoch', 'now', 'x'.repeat(201)],
    ...[
      'x'.repeat(1_001),
      'é'.repeat(2_001),
      '😀'.repeat(101),
      'a/'.repeat(500),
      '{a,b}'.repeat(30),
      '['.repeat(999),
    ],
    ...[
      'http://',
      'http://[::',
      'http://127.0.0.1:1/',
      'file:///etc/passwd',
      'http://a:b@127.0.0.1:1',
      'http://x:99999',
    ],
    ...[
      'sky_',
      'skr_',
      'skc_',
      'sky_' + '0'.repeat(56),
      'skr_e30.',
      'Bearer',
      'e30',
      'WzFd',
      'WyJ4IiwtMV0',
      'WzFlOTk5XQ',
    ],
  ),
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.base64String({ maxLength: 40 }),
);

/** Anything that JSON can say, in place of what should be there. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: hostileText },
  {
    weight: 4,
    arbitrary: fc.constantFrom<unknown>(
      ...[
        null,
        true,
        false,
        0,
        -0,
        -1,
        1,
        1.5,
        1e308,
        -1e308,
        1e-320,
        2 ** 31,
        -(2 ** 31) - 1,
        2 ** 53,
        2 ** 63,
      ],
      ...[[], [[]], [null], {}, { a: { b: 1 } }, { length: 3 }, { '': '' }, { '\0': '\0' }, { toString: 1 }],
      ...[Array(70).fill('x'), Array(1_001).fill('x'), nested(40), nested(63), nested(200)],
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

function nested(levels: number): unknown {
  return levels === 0 ? 1 : levels % 2 === 0 ? [nested(levels - 1)] : { a: nested(levels - 1) };
}

const known = (kind: Kind) => fc.nat(7).map((place) => symbolOf(kind, place));
const fresh = (prefix: string) => fc.nat(2_000).map((n) => `${prefix}-${n}`);
const some = (one: fc.Arbitrary<unknown>) => fc.array(one, { maxLength: 3 });
const soon = fc.integer({ min: -60, max: 120 }).map((seconds) => ({ seconds }));

const payload = fc.oneof(
  fc.constant({ kind: 'openclaw-run' }),
  fc.record({
    kind: fc.constant('openclaw-run'),
    args: some(fc.string()),
    timeoutMs: fc.integer({ min: 1_000 }),
  }),
  fc.record({
    kind: fc.constant('shell'),
    command: fc.string({ minLength: 1 }),
    env: fc.dictionary(fc.string(), fc.string()),
  }),
  fc.dictionary(
    fc.constantFrom('kind', 'command', 'args', 'cwd', 'env', 'image', 'timeoutMs', 'network'),
    hostileValue,
  ),
);
const requirement = fc.dictionary(
  fc.constantFrom('capabilities', 'hostId', 'labels', 'image', 'network', 'minCpu'),
  fc.oneof(known('host'), some(known('capability')), hostileValue),
);

/** What a field of a name usually means: without these hardly a request would get past the first check. */
const BY_NAME: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  task_id: fc.oneof(known('task'), known('heldTask'), fresh('task')),
  claim_token: known('heldToken'),
  worker_id: fc.oneof(known('heldWorker'), known('worker')),
  agent_id: known('worker'),
  ...{ project_id: known('project'), projectId: known('project'), dependencies: some(known('task')) },
  ...{ path: known('path'), file_path: known('path'), paths: some(known('path')) },
  ...{
    required_files: some(known('path')),
    read_files: some(known('path')),
    capabilities: some(known('capability')),
  },
  ...{ required_capabilities: some(known('capability')), requiredCapabilities: some(known('capability')) },
  ...{
    gateway_id: known('gateway'),
    host: known('gatewayUrl'),
    hostId: known('leaseHost'),
    leaseToken: known('leaseToken'),
  },
  ...{
    activeJobs: some(known('job')),
    active_task_ids: some(known('heldTask')),
    serviceId: fc.oneof(known('service'), fresh('service')),
  },
  ...{
    payload,
    requirement,
    wait_ms: fc.nat(15),
    concurrency_key: fc.constantFrom('a', 'b'),
    action: fc.constantFrom('act', 'file_write'),
  },
  ...{
    schedule_id: fc.oneof(known('schedule'), fresh('schedule')),
    cron: fc.constantFrom('* * * * *', '0 0 1 1 *', '@daily', '30 2 * * 7'),
  },
  ...{ time_zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/Sao_Paulo'), url: known('receiverUrl') },
  event_types: fc.subarray(['enqueued', 'claimed', 'succeeded', 'failed', '*'], { minLength: 1 }),
  scopes: fc.subarray(['tasks:read', 'tasks:write', 'claims', 'jobs:submit', 'admin'], { minLength: 1 }),
  ...{
    type: fc.constantFrom('enqueued', 'succeeded,failed'),
    status: fc.constantFrom('queued', 'running', 'pending', 'failed', 'online'),
  },
  ...{
    endpoint: fc.constantFrom('http://127.0.0.1:8080', 'http://host:1'),
    after: fc.constantFrom('', '0', 'e30'),
  },
  ...{
    subject: known('task'),
    actor: known('apiKey'),
    ...{ slot: fc.constant(0), generation: fc.constant(1), attempt: fc.constant(1) },
    replicas: fc.nat(4),
    maxParallel: fc.integer({ min: 1, max: 6 }),
  },
};

/** Makes what a schema allows, with sense where a field's name has any. */
export class Values {
  private readonly made = new Map<Schema, fc.Arbitrary<unknown>>();

  constructor(private readonly description: Description) {}

  valid(schema: Schema, name = ''): fc.Arbitrary<unknown> {
    const meant = BY_NAME[name];
    const allowed = this.allowed(schema);
    if (meant === undefined) return allowed;
    return fc.oneof({ weight: 9, arbitrary: meant }, { weight: 1, arbitrary: allowed });
  }

  private allowed(given: Schema): fc.Arbitrary<unknown> {
    const schema = this.description.resolve(given);
    const made = this.made.get(schema) ?? this.make(schema);
    this.made.set(schema, made);
    return made;
  }

  private make(schema: Schema): fc.Arbitrary<unknown> {
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    const [choice] = [schema.anyOf ?? schema.oneOf ?? schema.allOf ?? []];
    if (choice.length > 0) return fc.oneof(...choice.map((one) => this.allowed(one)));
    const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? ['object']);
    return fc.oneof(...types.map((type) => this.ofType(type, schema)));
  }

  private ofType(type: string, schema: Schema): fc.Arbitrary<unknown> {
    switch (type) {
      case 'null':
        return fc.constant(null);
      case 'boolean':
        return fc.boolean();
      case 'integer':
      case 'number':
        return numbers(schema);
      case 'string':
        return schema.format === 'date-time' ? instants : texts(schema);
      case 'array':
        return this.arrays(schema);
      default:
        return this.objects(schema);
    }
  }

  private arrays({ items = {}, minItems = 0, maxItems = 3 }: Schema): fc.Arbitrary<unknown> {
    return fc.array(this.allowed(items), { minLength: minItems, maxLength: Math.min(3, maxItems) });
  }

  private objects({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
    if (Object.keys(properties).length === 0)
      return fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }));
    const fields = Object.entries(properties).map(
      ([name, schema]) => [name, this.valid(schema, name)] as const,
    );
    const all = Object.fromEntries(fields);
    const optional = Object.keys(properties).filter((name) => !required.includes(name));
    // Few at a time: with all of them something is nearly always refused.
    const sparse = fc
      .subarray(optional, { maxLength: Math.min(3, optional.length) })
      .chain((names) => fc.record(only(all, [...required, ...names]), { noNullPrototype: true }));
    const full = fc.record(all, { requiredKeys: [...required], noNullPrototype: true });
    return fc.oneof({ weight: 4, arbitrary: sparse }, { weight: 1, arbitrary: full });
  }
}

const instants = fc.oneof(
  fc
    .date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  soon.map(({ seconds }) => new Date(Date.UTC(2027, 0, 1) + seconds * 1_000).toISOString()),
);

function numbers({ type, minimum = -10, maximum = 1_000 }: Schema): fc.Arbitrary<number> {
  const low = fc.integer({ min: minimum, max: Math.min(maximum, minimum + 20) });
  const edges = fc.constantFrom(minimum, maximum);
  const whole = fc.oneof({ weight: 6, arbitrary: low }, { weight: 2, arbitrary: edges });
  return type === 'number' ? fc.oneof(whole, fc.double({ min: minimum, max: maximum, noNaN: true })) : whole;
}

function texts({ minLength = 0, maxLength = RARELY_MOST }: Schema): fc.Arbitrary<string> {
  const most = Math.min(maxLength, RARELY_MOST);
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.string({ minLength, maxLength: Math.max(minLength, Math.min(most, OFTEN_MOST)) }),
    },
    { weight: 1, arbitrary: fc.constantFrom('x'.repeat(most), 'é'.repeat(most)) },
  );
}

function only<T>(all: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
}
