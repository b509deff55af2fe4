import fc from 'fast-check';
import { type Description, type Operation, type Parameter, type Schema } from './description.js';
import { type Kind, kindOfId, symbolOf } from './known.js';
import { hostileText, hostileValue, Values } from './values.js';

/** Who asks. What each sends is known to the installation. */
export const credentials = [
  ...([
    'admin',
    'environment',
    'reader',
    'writer',
    'claimer',
    'project',
    'run',
    'skyclaw',
    'public',
    'revoked',
  ] as const),
  ...(['none', 'wrong', 'two'] as const),
] as const;
export type Credential = (typeof credentials)[number];

/** A request that can be printed and sent again: what only the installation knows stands in it as a symbol. */
export interface FuzzRequest {
  /** The operation's name, or `stray`. */
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly as: Credential;
  /** When not null all symbols are of this place, so that a task meets its own token. */
  readonly pin: number | null;
}

/** Texts that are no JSON, or more of it than anybody needs. */
const RAW = [
  ...[
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '1',
    'true',
    '{"a":1}}',
    '[1,]',
    '\0',
    '{"a":"\\ud800"}',
    '{"a":"\\u0000"}',
    '{}',
  ],
  ...[
    '{"__proto__":{"a":1},"constructor":{"prototype":{}}}',
    '['.repeat(90_000),
    '{"a":'.repeat(20_000),
    '1'.repeat(9_000),
  ],
  ...[
    '{"a":1,"a":2}',
    '\ufeff{}',
    'a=b&c=d',
    '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--',
    '\u0085{}',
  ],
  JSON.stringify({ reason: 'x'.repeat(1_100_000) }),
  JSON.stringify({
    tasks: Array(2_000).fill({ action: 'act' }),
    items: Array(2_000).fill({ task_id: 'x', claim_token: 'y' }),
  }),
];

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'];
const PATHS = [
  '/',
  '/v1',
  '/v1/',
  '//',
  '/v1/tasks/',
  '/v1/%2e%2e/metrics',
  '/v1/tasks/%',
  '/v1/%E0%A4%A',
  '/docs-json',
  '/v2/tasks',
  '/.env',
  '/v1/tasks;a=b',
  '/v1/tasks/claim/x/y',
];
/** Ids as they stand in a path, which no encoding has made harmless. */
const RAW_IDS = [
  '%',
  '%zz',
  '%00',
  '%2e%2e',
  '%2F',
  '..;',
  '%E0%A4%A',
  '%ff',
  'a%0d%0ab',
  '+',
  '@',
  ':',
  ';',
  '*',
  'x'.repeat(1_100),
];

const usually = fc.constantFrom<Credential>('admin', 'admin', 'environment');
const who = (path: string): fc.Arbitrary<Credential> => {
  const own = path.startsWith('/v1/public/') ? fc.constantFrom<Credential>('public') : usually;
  return fc.oneof({ weight: 8, arbitrary: own }, { weight: 2, arbitrary: fc.constantFrom(...credentials) });
};
const pin = fc.option(fc.nat(7), { freq: 2 });
const plainHeader = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => (code === 0x7f ? ' ' : String.fromCharCode(code))),
  maxLength: 80,
});

/** Headers that any request may have, of those that the server or something before it looks at. */
const oddHeaders = fc.dictionary(
  fc.constantFrom(
    ...[
      'x-request-id',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-proto',
      'forwarded',
      'origin',
      'accept',
      'accept-encoding',
    ],
    ...[
      'content-type',
      'content-encoding',
      'range',
      'if-none-match',
      'cookie',
      'traceparent',
      'tracestate',
      'user-agent',
      'accept-version',
    ],
    ...[
      'authorization',
      'x-api-key',
      'x-skyclaw-token',
      'x-skyclaw-host-token',
      'x-http-method-override',
      'access-control-request-method',
    ],
  ),
  fc.oneof(
    fc.constantFrom(
      'application/problem+json',
      'text/xml',
      'application/json',
      'gzip',
      'a, b',
      '127.0.0.1',
      '*',
      'null',
      '\t',
      'x'.repeat(5_000),
    ),
    fc.constantFrom(
      '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'Bearer ',
      'Basic OnB3',
      'bytes=0-',
      'W/"x"',
    ),
    plainHeader,
  ),
  { maxKeys: 3 },
);

/** Requests of all operations of a description, with sense and without. */
export function requestsOf(description: Description): fc.Arbitrary<FuzzRequest> {
  const values = new Values(description);
  return fc.oneof(
    {
      weight: 30,
      arbitrary: fc.oneof(...description.operations.map((operation) => requestOf(operation, values))),
    },
    { weight: 1, arbitrary: strays(description) },
  );
}

function requestOf(operation: Operation, values: Values): fc.Arbitrary<FuzzRequest> {
  const { method, path, parameters, body } = operation;
  return fc
    .record({
      path: pathOf(path, parameters),
      query: queryOf(parameters, values),
      ...{ headers: headersOf(parameters), odd: fc.option(oddHeaders, { freq: 3 }), as: who(path), pin },
      body: body === null ? rarely(fc.constantFrom(...RAW)) : bodyOf(body, values),
    })
    .map(({ query, odd, ...request }) => ({
      ...{ operation: operation.name, method, as: request.as, pin: request.pin, body: request.body },
      path: request.path + query,
      headers: { ...(odd ?? {}), ...request.headers },
    }));
}

/** Paths and methods that nobody has described. */
function strays({ operations }: Description): fc.Arbitrary<FuzzRequest> {
  const paths = [...PATHS, ...operations.map(({ path }) => path.replaceAll(/\{\w+\}/g, 'x'))];
  return fc.record({
    operation: fc.constant('stray'),
    ...{ method: fc.constantFrom(...METHODS), path: fc.constantFrom(...paths), headers: oddHeaders, pin },
    ...{ body: rarely(fc.constantFrom(...RAW)), as: fc.constantFrom(...credentials) },
  });
}

const rarely = <T>(one: fc.Arbitrary<T>) =>
  fc.option(one, { freq: 1, nil: null }).chain((value) => fc.nat(5).map((n) => (n === 0 ? value : null)));
const known = (kind: Kind) => fc.nat(7).map((place) => symbolOf(kind, place));
const anyKind: readonly Kind[] = [
  'task',
  'job',
  'host',
  'service',
  'gateway',
  'schedule',
  'apiKey',
  'webhook',
];

function pathOf(path: string, parameters: readonly Parameter[]): fc.Arbitrary<string> {
  const named = parameters.filter((parameter) => parameter.in === 'path');
  const ids = named.map(({ name }) =>
    fc.oneof(
      { weight: 8, arbitrary: known(kindOfId(path, name)) },
      { weight: 1, arbitrary: fc.constantFrom(...anyKind).chain(known) },
      { weight: 1, arbitrary: hostileText.map((text) => encoded(text) || '%20') },
      { weight: 1, arbitrary: fc.constantFrom(...RAW_IDS) },
    ),
  );
  return fc
    .tuple(...ids)
    .map((chosen) =>
      named.reduce((made, { name }, index) => made.replace(`{${name}}`, () => chosen[index] ?? ''), path),
    );
}

function queryOf(parameters: readonly Parameter[], values: Values): fc.Arbitrary<string> {
  const named = parameters.filter((parameter) => parameter.in === 'query');
  const pairs = named.map(({ name, schema, required = false }) => {
    const value = fc.oneof(
      { weight: 5, arbitrary: values.valid(schema, name).map(asText) },
      { weight: 2, arbitrary: hostileText.map(encoded) },
    );
    const pair = value.map((text) => `${name}=${text}`);
    return fc.oneof(
      { weight: required ? 1 : 4, arbitrary: fc.constant('') },
      { weight: 3, arbitrary: pair },
      { weight: 1, arbitrary: fc.tuple(pair, pair).map((both) => both.join('&')) },
    );
  });
  const odd = fc.constantFrom(
    '',
    '',
    '',
    '',
    '',
    '',
    'x=1',
    '%E0%A4%A=1',
    'limit[]=1',
    '__proto__=1',
    '&&&',
    '='.repeat(50),
  );
  return fc.tuple(odd, ...pairs).map((all) => {
    const query = all.filter((pair) => pair !== '').join('&');
    return query === '' ? '' : `?${query}`;
  });
}

function headersOf(parameters: readonly Parameter[]): fc.Arbitrary<Record<string, string>> {
  const named = parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name);
  if (named.length === 0) return fc.constant({});
  // Few keys, so that some are used twice, by others and for something else.
  const value = fc.oneof(
    fc.nat(30).map((n) => `key-${n}`),
    fc.base64String({ maxLength: 60 }),
    plainHeader,
  );
  return fc
    .dictionary(fc.constantFrom(...named), value, { maxKeys: 1 })
    .chain((headers) => fc.nat(3).map((n) => (n === 0 ? headers : {})));
}

function bodyOf(schema: Schema, values: Values): fc.Arbitrary<string | null> {
  const valid = values.valid(schema);
  return fc.oneof(
    { weight: 5, arbitrary: valid.map(asJson) },
    {
      weight: 4,
      arbitrary: fc
        .tuple(valid, fc.array(mutation, { minLength: 1, maxLength: 3 }))
        .map(([value, mutations]) => asJson(mutations.reduce(mutated, value))),
    },
    { weight: 1, arbitrary: fc.oneof(fc.constantFrom(...RAW), hostileValue.map(asJson), fc.constant(null)) },
  );
}

const mutation = fc.record({
  steps: fc.array(fc.nat(9), { minLength: 1, maxLength: 3 }),
  how: fc.constantFrom('replace', 'replace', 'remove', 'add'),
  value: hostileValue,
});
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

/** A copy with one place of it changed: found by walking down, at each step to the child of that number. */
function mutated(value: unknown, { steps, how, value: other }: Mutation): unknown {
  const [step = 0, ...rest] = steps;
  if (typeof value !== 'object' || value === null) return other;
  const entries = Object.entries(value);
  if (how === 'add' && rest.length === 0) {
    return Array.isArray(value) ? [...(value as unknown[]), other] : { ...value, [`odd${step}`]: other };
  }
  if (entries.length === 0) return other;
  const at = step % entries.length;
  const changed = entries.flatMap(([name, child], index) => {
    if (index !== at) return [[name, child] as const];
    if (rest.length > 0) return [[name, mutated(child, { steps: rest, how, value: other })] as const];
    return how === 'remove' ? [] : [[name, other] as const];
  });
  return Array.isArray(value) ? changed.map(([, child]) => child) : Object.fromEntries(changed);
}

/** Symbols stay readable, since what they stand for is plain. */
const encoded = (text: string) =>
  /^\{\{\w+:\d+\}\}$/.test(text) ? text : encodeURIComponent(text.toWellFormed());
const asText = (value: unknown) =>
  encoded(typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value));
const asJson = (value: unknown) => JSON.stringify(value);
