import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';

const KEY = 'hostile-public-key';

interface Operation {
  readonly requestBody?: {
    readonly content: Record<string, { readonly schema: { readonly $ref?: string } }>;
  };
}
interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly properties?: object }>> };
}

const document = parse(readFileSync('openapi.yaml', 'utf8')) as OpenApi;
/** Where SkyClaw's callers, hosts and operators change something. */
const OURS = /^\/v1\/(hosts|jobs|services|public|public-keys|network|replicate)(\/|$)/;
const ORDERS = /^\/v1\/gateways\/\{gateway_id\}\/(cordon|uncordon|drain)$/;

/** Each route that changes something, as it is documented, with the fields of its body: none can be forgotten here. */
const ROUTES = Object.entries(document.paths)
  .filter(([path]) => OURS.test(path) || ORDERS.test(path))
  .flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([method]) => ['post', 'put', 'patch', 'delete'].includes(method))
      .map(([method, operation]) => ({ method: method.toUpperCase(), path, fields: fieldsOf(operation) })),
  );

function fieldsOf({ requestBody }: Operation): string[] {
  const name = requestBody?.content['application/json']?.schema.$ref?.split('/').at(-1) ?? '';
  return Object.keys(document.components.schemas[name]?.properties ?? {});
}

const RAW = [
  ...['', '{', 'null', '[]', '"x"', '1', 'true', '{"a":1}}', '[1,]', '\u0000', '{"a":"\\ud800"}'],
  ...['{"__proto__":{"a":1},"constructor":{"prototype":{}}}', '['.repeat(90_000), '{"a":"\\u0000"}'],
  JSON.stringify({ reason: 'x'.repeat(2_000_000) }),
];
const ODD = [
  ...[null, true, 0, -1, 1.5, 1e308, Number.MAX_SAFE_INTEGER, '', ' ', '\0', '\ud800', 'x'.repeat(40_000)],
  ...['***', '9'.repeat(400), '2026-13-45', [], [[]], [null], {}, { a: { b: 1 } }, { length: 3 }],
];
const ANY_FIELD = ['id', 'reason', 'hostId'];

/** At least fifty bodies: texts that are no JSON, and each field with each odd value beside sound ones. */
function bodiesFor(fields: readonly string[]): string[] {
  const sound = {
    hostId: 'h',
    name: 'n',
    command: 'c',
    status: 'running',
    payload: { kind: 'openclaw-run' },
  };
  const named = fields.length >= 2 ? fields : [...fields, ...ANY_FIELD];
  return [
    ...RAW,
    ...named.flatMap((field) => ODD.map((value) => JSON.stringify({ ...sound, [field]: value }))),
  ];
}

let api: TestControlPlane;
/** An id of each kind, of something that is there. */
const ids = new Map<string, string>();
beforeAll(async () => {
  api = await startTestControlPlane({
    env: {
      SKYCLAW_PUBLIC_API_KEYS: `${KEY}:hostile:openclaw`,
      SKYCLAW_PUBLIC_RATE_LIMIT_PER_MIN: '1000000',
      SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '0',
    },
  });
});
/** What an earlier test has ended is there again. */
beforeEach(async () => {
  await api.post('/v1/hosts/h/readmit');
  await api.post('/v1/hosts/register', { hostId: 'h', name: 'h' });
  await api.post('/v1/register-gateway', { gateway_id: 'g', host: 'http://127.0.0.1:9' });
  await api.post('/v1/services', { serviceId: 's', name: 's', command: 'c' });
  const payload = { kind: 'openclaw-run' };
  const job = await api.post('/v1/jobs', { payload });
  const publicJob = await api.call(
    'POST',
    '/v1/public/jobs',
    { payload },
    { authorization: `Bearer ${KEY}` },
  );
  const key = await api.post('/v1/public-keys', { label: 'other', capabilities: ['openclaw'] });
  for (const { status } of [job, publicJob, key]) expect(status).toBe(200);
  ids.set('hosts', 'h').set('gateways', 'g').set('services', 's').set('jobs', job.body.job.id);
  ids.set('public/jobs', publicJob.body.job.id).set('public-keys', key.body.key.id);
});
afterAll(() => api.close());

const pathOf = (route: string) =>
  route.replace(/^\/v1\/(.+)\/\{\w+\}/, (_, kind: string) => `/v1/${kind}/${ids.get(kind) ?? 'none'}`);

describe('bodies that mean harm', () => {
  it('are sent to the routes of hosts, services, jobs, keys and gateways', () => {
    expect(ROUTES.length).toBeGreaterThanOrEqual(30);
    expect(ROUTES.find(({ path }) => path === '/v1/hosts/{id}/drain')?.fields).toEqual([
      'reason',
      'deadlineMs',
    ]);
  });

  it.each(ROUTES)('are answered without a fault of ours: $method $path', async ({ method, path, fields }) => {
    const bodies = bodiesFor(fields);
    expect(bodies.length).toBeGreaterThanOrEqual(50);
    const headers = path.startsWith('/v1/public/') ? { authorization: `Bearer ${KEY}` } : {};
    const faults: string[] = [];
    let refused = 0;
    for (const body of bodies) {
      const { status, text } = await api.call(method, pathOf(path), body, headers);
      if (status >= 500 || /at .*\.js:\d+|node_modules|select .* from/i.test(text)) {
        faults.push(`${body.slice(0, 200)}: ${status} ${text.slice(0, 200)}`);
      }
      if (status >= 400) refused += 1;
    }
    expect(faults).toEqual([]);
    expect(refused).toBeGreaterThan(0);
  });
});
