import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PublicApiUpkeepLoop } from '../../src/control-plane/public-api/upkeep.loop.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { bearer, countJobs, makeKey, once, submit } from './fixture.js';

const KEYS = 'plain:p:openclaw|gpu,shells:s:shell|openclaw:shell';
const run = (more: object = {}) => ({ payload: { kind: 'openclaw-run', ...more } });
const shell = (more: object = {}) => ({ payload: { kind: 'shell', command: 'echo', ...more } });

let api: TestControlPlane;
let other: TestControlPlane;
beforeAll(async () => {
  const env = { SKYCLAW_PUBLIC_API_KEYS: KEYS, SKYCLAW_PUBLIC_RATE_LIMIT_PER_MIN: '0' };
  api = await startTestControlPlane({ env });
  other = await startTestControlPlane({ env, databaseUrl: api.databaseUrl });
});
afterAll(async () => {
  await other.close();
  await api.close();
});

describe('a job of the public API is refused', () => {
  it.each([
    [{}, 400, 'payload is required'],
    [{ payload: {} }, 400, 'payload is required'],
    [{ payload: null }, 400, 'payload is required'],
    [{ payload: { kind: 'x' } }, 400, 'unsupported payload kind: x'],
    [{ payload: { kind: 'shell' } }, 400, 'payload.command is required'],
    [run({ timeoutMs: 1 }), 400, 'payload.timeoutMs must be a whole number from 1000 to 86400000'],
    [
      { ...run(), requirement: { requiredCapabilities: ['openclaw', 'shell'] } },
      403,
      'requested capabilities are not allowed for this api key',
    ],
    [
      { ...shell(), requirement: { requiredCapabilities: ['shell'] } },
      403,
      'requested capabilities are not allowed for this api key',
    ],
    [shell(), 403, 'shell jobs are not allowed for this api key'],
    [run({ image: 'debian' }), 403, 'images are not allowed for this api key'],
    [run({ network: true }), 403, 'network access is not allowed for this api key'],
  ])('%j: %d %s', async (body, status, error) => {
    expect(await submit(api, 'plain', body)).toMatchObject({ status, body: { error } });
  });

  it.each([
    ...['PATH', 'Path', 'LD_PRELOAD', 'LD_', 'DYLD_INSERT_LIBRARIES', 'NODE_OPTIONS', 'BASH_ENV', 'ENV'],
    ...['PYTHONPATH', 'PYTHON', 'SKYCLAW_TOKEN', 'SKYNET_API_KEY', 'OPENCLAW_X', 'ld_preload', 'env'],
    'LD_A\nB',
  ])('for the variable %j', async (name) => {
    for (const [key, body] of [
      ['plain', run({ env: { [name]: 'x' } })],
      ['shells', shell({ env: { FINE: 'x', [name]: 'x' } })],
    ] as const) {
      expect(await submit(api, key, body)).toMatchObject({
        status: 400,
        body: { error: `payload.env.${name} is not allowed` },
      });
    }
  });

  it.each([
    ...['/', '/etc', '..', '../x', 'a/../../b', 'a/b/../../..', './..', 'a\\..\\..\\b', '\\\\host\\share'],
    ...['\\etc', 'C:\\x', 'c:x', '~', '~root/x', 'a/.. /../b', '.. ', 'a//../..', '...'],
  ])('for the folder %j', async (path) => {
    const error = (field: string) =>
      `payload.${field} must be a relative path below the work root of the host`;
    expect(await submit(api, 'plain', run({ openclawDir: path }))).toMatchObject({
      ...{ status: 400, body: { error: error('openclawDir') } },
    });
    expect(await submit(api, 'shells', shell({ cwd: path }))).toMatchObject({
      ...{ status: 400, body: { error: error('cwd') } },
    });
  });
});

describe('a job of the public API is taken in', () => {
  it.each(['', '.', 'a', './a/../b', 'a/b/..', '..a/b', 'a..b', 'deep/er/..\\x'])(
    'in the folder %j',
    async (path) => {
      expect((await submit(api, 'plain', run({ openclawDir: path }))).status).toBe(200);
    },
  );

  it.each([['PATHS'], ['MY_PATH'], ['ENVIRONMENT'], ['OPENCLAWX'], ['NODE_ENV']])(
    'with the variable %s',
    async (name) => {
      expect((await submit(api, 'plain', run({ env: { [name]: 'x' } }))).status).toBe(200);
    },
  );

  it('with a shell, an image and the network by keys that may', async () => {
    expect((await submit(api, 'shells', shell())).status).toBe(200);
    const flags = { image: true, network: true, ratePerMinute: 0 };
    const { secret } = await makeKey(api, flags);
    const { status, body } = await submit(api, secret, run({ image: 'debian', network: true }));
    expect(status).toBe(200);
    expect(body.job.payload).toMatchObject({ image: 'debian', network: true });
    expect((await submit(api, 'plain', run({ network: false }))).status).toBe(200);
  });

  it('once, by twenty callers of two replicas with one idempotency key', async () => {
    const before = await countJobs(api);
    const header = once();
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, n) => submit(n % 2 === 0 ? api : other, 'plain', run(), header)),
    );
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(replies[0]?.status).toBe(200);
    expect(await countJobs(api)).toBe(before + 1);
    expect(await submit(api, 'plain', run({ args: ['other'] }), header)).toMatchObject({
      status: 409,
      body: { error: 'idempotency key reuse conflict for route /v1/public/jobs' },
    });
    const owned = await api.query('select job_id from public_jobs where job_id = $1', [
      replies[0]?.body.job.id,
    ]);
    expect(owned).toHaveLength(1);
  });
});

describe('hostile requests', () => {
  const deep = '['.repeat(60) + ']'.repeat(60);
  const odd = [
    ...[null, true, 0, -1, 1e308, '', 'x', '\u0000', [], {}, [[]], { kind: 'shell' }, 'openclaw-run'],
  ];
  const bodies: string[] = [
    ...[
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '0',
      '{"payload":',
      '\u0000',
      '{"payload":"\\ud800"}',
      deep,
      '['.repeat(99_999),
    ],
    ...['__proto__', 'constructor', 'toString'].map((kind) => JSON.stringify({ payload: { kind } })),
    '{"payload":{"__proto__":{"kind":"openclaw-run"}}}',
    '{"payload":{"kind":"openclaw-run","env":{"__proto__":"x"}}}',
    '{"payload":{"kind":"openclaw-run","env":{"":"x"}}}',
    '{"payload":{"kind":"openclaw-run","args":["\\u0000"]}}',
    '{"payload":{"kind":"openclaw-run","timeoutMs":1e400}}',
    ...odd.map((payload) => JSON.stringify({ payload })),
    ...odd.map((requirement) => JSON.stringify({ ...run(), requirement })),
    ...odd.map((requiredCapabilities) => JSON.stringify({ ...run(), requirement: { requiredCapabilities } })),
    ...odd.map((env) => JSON.stringify(run({ env }))),
    ...odd.map((args) => JSON.stringify(run({ args }))),
    JSON.stringify({ ...run(), requirement: { requiredCapabilities: Array(2_000).fill('openclaw') } }),
    JSON.stringify(run({ args: Array(20_000).fill('x') })),
    JSON.stringify(run({ env: { X: 'x'.repeat(2_000_000) } })),
  ];

  it(`are answered without a fault of ours, all ${bodies.length} of them`, async () => {
    expect(bodies.length).toBeGreaterThanOrEqual(50);
    for (const body of bodies) {
      const { status, text } = await api.call('POST', '/v1/public/jobs', body, bearer('plain'));
      if (![200, 400, 403, 413].includes(status)) throw new Error(`${body.slice(0, 200)}: ${status} ${text}`);
    }
    for (const path of ['%00', '%ff', '%zz', 'a%2f..', '..', 'x'.repeat(5_000), '%F0%9F%92%A9']) {
      for (const method of ['GET', 'POST']) {
        const at = method === 'GET' ? path : `${path}/cancel`;
        const { status } = await api.call(method, `/v1/public/jobs/${at}`, undefined, bearer('plain'));
        expect([200, 400, 404]).toContain(status);
      }
    }
    for (const query of ['limit=x', 'limit=1e99', 'cursor=x', 'cursor=W10', 'cursor=%00', 'limit=-5']) {
      const { status } = await api.fetch(`/v1/public/jobs?${query}`, bearer('plain'));
      expect([200, 400]).toContain(status);
    }
    for (const secret of ['\u00e9', 'skc_', `skc_${'0'.repeat(56)}`, 'x'.repeat(7_000)]) {
      expect((await api.fetch('/v1/public/jobs', { 'x-api-key': secret })).status).toBe(401);
    }
  });
});

describe('whose a job was', () => {
  it('is forgotten when the job is, and no earlier', async () => {
    const gone = (await submit(api, 'plain', run())).body.job.id as string;
    const kept = (await submit(api, 'plain', run())).body.job.id as string;
    const young = (await submit(api, 'plain', run())).body.job.id as string;
    await api.query(`update public_jobs set created_at = now() - interval '31 days' where job_id = any($1)`, [
      [gone, kept],
    ]);
    await api.query('delete from tasks where id = any($1)', [[gone, young]]);
    expect((await api.fetch(`/v1/public/jobs/${gone}`, bearer('plain'))).status).toBe(404);
    expect((await api.fetch('/v1/public/jobs?limit=1000', bearer('plain'))).status).toBe(200);
    api.get(PublicApiUpkeepLoop).nudge();
    await eventually('the gone job is forgotten', async () => {
      const rows = await api.query('select job_id from public_jobs where job_id = $1', [gone]);
      return rows.length === 0 ? true : undefined;
    });
    const left = await api.query('select job_id from public_jobs where job_id = any($1)', [[kept, young]]);
    expect(left).toHaveLength(2);
  });
});
