import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { controlPlaneConfig } from '../../src/control-plane/index.js';
import { Env } from '../../src/platform/config/env.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { bearer, makeKey, submit } from './fixture.js';

const KEYS = 'alpha:acme:openclaw|gpu,beta:acme:openclaw,gamma:shells:shell|openclaw:shell,delta:worker:sole';

describe('the public API', () => {
  let api: TestControlPlane;
  beforeAll(
    async () =>
      (api = await startTestControlPlane({
        env: { SKYCLAW_TOKEN: 't', SKYNET_API_KEY: 'k', SKYCLAW_PUBLIC_API_KEYS: KEYS },
      })),
  );
  afterAll(() => api.close());

  it('takes a job in by a key, without the token of the mesh, and shows it without who submitted it', async () => {
    const payload = { kind: 'openclaw-run', args: ['run', 'x'], env: { A: 'secret' } };
    const { status, body } = await submit(api, 'alpha', { payload, submittedBy: 'x', priority: 9 });
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(['job']);
    expect(body.job).toMatchObject({
      ...{ payload, status: 'queued', priority: 0, dependencies: [], attempts: 0 },
      requirement: { requiredCapabilities: ['gpu', 'openclaw'] },
    });
    expect(body.job).not.toHaveProperty('submittedBy');
    const shown = await api.fetch(`/v1/public/jobs/${body.job.id}`, { 'x-api-key': 'alpha' });
    expect(shown.status).toBe(200);
    expect(shown.body.job).toEqual({ ...body.job, payload: { ...payload, env: { A: '***' } } });
    const [row] = await api.query('select submitted_by from tasks where id = $1', [body.job.id]);
    expect(row).toEqual({ submitted_by: 'public:acme' });
  });

  it('shows what has become of a job once a host has done it', async () => {
    const mesh = { 'x-skyclaw-token': 't' };
    const host = { hostId: 'h', name: 'h', capabilities: ['sole'] };
    await api.post('/v1/hosts/register', host, mesh);
    const body = { payload: { kind: 'openclaw-run' } };
    const { id } = (await submit(api, 'delta', body)).body.job;
    const claimed = (await api.post('/v1/hosts/h/claim', {}, mesh)).body.job;
    expect(claimed).toMatchObject({ id, submittedBy: 'public:worker' });
    const shown = async () => (await api.fetch(`/v1/public/jobs/${id}`, bearer('delta'))).body.job;
    expect(await shown()).toMatchObject({ status: 'leased', assignedHostId: 'h' });
    expect(await shown()).not.toHaveProperty('leaseToken');
    const report = { hostId: 'h', success: true, exitCode: 0, stdout: 'done', durationMs: 5 };
    await api.post(`/v1/jobs/${id}/complete`, report, mesh);
    expect(await shown()).toMatchObject({ status: 'completed', result: { exitCode: 0, stdout: 'done' } });
    expect(await shown()).not.toHaveProperty('submittedBy');
  });

  it.each([
    [{}, { requiredCapabilities: ['gpu', 'openclaw'] }],
    [{ requirement: null }, { requiredCapabilities: ['gpu', 'openclaw'] }],
    [{ requirement: {} }, { requiredCapabilities: ['gpu', 'openclaw'] }],
    [{ requirement: { requiredCapabilities: [] } }, { requiredCapabilities: ['gpu', 'openclaw'] }],
    [{ requirement: { requiredCapabilities: [' '] } }, { requiredCapabilities: ['gpu', 'openclaw'] }],
    [{ requirement: { requiredCapabilities: [' gpu ', 'gpu'] } }, { requiredCapabilities: ['gpu'] }],
  ])('of %j requires %j', async (more, requirement) => {
    const { body } = await submit(api, 'alpha', { payload: { kind: 'openclaw-run' }, ...more });
    expect(body.job.requirement).toEqual(requirement);
  });

  it('asks for a key of its own before it reads a body, Authorization before x-api-key', async () => {
    const ask = (headers: Record<string, string>, body: unknown = '{not json') =>
      api.call('POST', '/v1/public/jobs', body, headers);
    for (const headers of [{}, { 'x-skyclaw-token': 't' }, bearer('k'), bearer('alph'), bearer('')]) {
      expect(await ask(headers)).toMatchObject({ status: 401, body: { error: 'invalid api key' } });
    }
    expect((await ask(bearer('alpha'))).status).toBe(400);
    const both = { ...bearer('nobody'), 'x-api-key': 'alpha' };
    expect((await ask(both)).status).toBe(401);
    expect((await ask({ authorization: 'Basic nobody', 'x-api-key': 'alpha' })).status).toBe(400);
    expect((await ask({})).headers['www-authenticate']).toBe('Bearer');
    expect((await api.fetch('/v1/jobs', bearer('alpha'))).status).toBe(401);
    expect(await api.fetch('/v1/public/nothing')).toMatchObject({
      status: 404,
      body: { error: 'not found' },
    });
  });

  it('keeps keys with one label apart: their jobs, their lists and their idempotency keys', async () => {
    const key = { 'x-idempotency-key': 'same' };
    const mine = await submit(api, 'alpha', { payload: { kind: 'openclaw-run' } }, key);
    const theirs = await submit(api, 'beta', { payload: { kind: 'openclaw-run', args: ['x'] } }, key);
    expect([mine.status, theirs.status]).toEqual([200, 200]);
    expect(mine.body.job.id).not.toBe(theirs.body.job.id);
    const path = `/v1/public/jobs/${mine.body.job.id}`;
    const unknown = { status: 404, body: { error: 'job not found' } };
    expect(await api.fetch(path, bearer('beta'))).toMatchObject(unknown);
    expect(await api.post(`${path}/cancel`, {}, bearer('beta'))).toMatchObject(unknown);
    expect(await api.fetch('/v1/public/jobs/none', bearer('beta'))).toMatchObject(unknown);
    const { body } = await api.fetch('/v1/public/jobs', bearer('beta'));
    expect(body.jobs.map(({ id }: { id: string }) => id)).toEqual([theirs.body.job.id]);
    const ofMesh = await api.post(
      '/v1/jobs',
      { payload: { kind: 'openclaw-run' } },
      { 'x-skyclaw-token': 't' },
    );
    expect(await api.fetch(`/v1/public/jobs/${ofMesh.body.job.id}`, bearer('alpha'))).toMatchObject(unknown);
  });

  it('lists the jobs of a key newest first, in pages, and cancels them', async () => {
    const { secret } = await makeKeyAs(api);
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift((await submit(api, secret)).body.job.id as string);
    const listed: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await api.fetch(`/v1/public/jobs?limit=2${cursor}`, bearer(secret));
      listed.push(...body.jobs.map(({ id }: { id: string }) => id));
      if (body.next_cursor === undefined) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect(listed).toEqual(ids);
    expect((await api.fetch('/v1/public/jobs?limit=0', bearer(secret))).body).toEqual({ jobs: [] });
    const path = `/v1/public/jobs/${ids[0] ?? ''}/cancel`;
    const cancelled = await api.post(path, { reason: 'enough' }, bearer(secret));
    expect(cancelled).toMatchObject({ status: 200, body: { job: { status: 'failed', error: 'enough' } } });
    const again = await api.post(path, {}, bearer(secret));
    expect(again).toMatchObject({ status: 409, body: { type: 'urn:skynet:problem:wrong-state' } });
    expect(again.body.error).toEqual(expect.any(String));
  });

  it('answers preflights before anything else, whatever the path, and lets any page read answers', async () => {
    const preflight = { origin: 'https://a.example', 'access-control-request-method': 'POST' };
    for (const path of ['/v1/public/jobs', '/v1/public/jobs/x/cancel', '/v1/public', '/v1/public/nothing']) {
      const { status, text, headers } = await api.call('OPTIONS', path, undefined, preflight);
      expect({ path, status, text }).toEqual({ path, status: 204, text: '' });
      expect(headers).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'GET,POST,OPTIONS',
        'access-control-allow-headers': 'content-type,authorization,x-api-key,x-idempotency-key',
      });
    }
    expect((await api.call('OPTIONS', '/v1/public/jobs')).status).toBe(204);
    const refused = await api.fetch('/v1/public/jobs', { origin: 'https://a.example' });
    expect(refused.status).toBe(401);
    expect(refused.headers['access-control-allow-origin']).toBe('*');
  });
});

/** Makes a key where operators need theirs. */
async function makeKeyAs(api: TestControlPlane) {
  const { body } = await api.post(
    '/v1/public-keys',
    { label: 'lister', capabilities: ['openclaw'] },
    { 'x-api-key': 'k' },
  );
  return body as { secret: string };
}

describe('a public API without keys', () => {
  it('is disabled, and opens with the first key of the database', async () => {
    const api = await startTestControlPlane();
    try {
      const disabled = { status: 503, body: { error: 'public api is disabled' } };
      expect(await submit(api, 'alpha')).toMatchObject(disabled);
      expect(await api.fetch('/v1/public/jobs/x')).toMatchObject(disabled);
      expect((await api.call('OPTIONS', '/v1/public/jobs')).status).toBe(204);
      const { key, secret } = await makeKey(api);
      expect((await submit(api, secret)).status).toBe(200);
      await api.post(`/v1/public-keys/${key.id}/revoke`);
      expect((await submit(api, 'alpha')).status).toBe(401);
    } finally {
      await api.close();
    }
  });
});

describe('a public API with an origin of its own', () => {
  it('names it, without the credentials that the other routes allow their origins', async () => {
    const api = await startTestControlPlane({
      env: {
        SKYCLAW_PUBLIC_API_KEYS: KEYS,
        SKYCLAW_PUBLIC_CORS_ORIGIN: 'https://shop.example',
        CORS_ORIGINS: 'https://ops.example',
      },
    });
    try {
      for (const method of ['GET', 'OPTIONS']) {
        const { headers } = await api.call(method, '/v1/public/jobs', undefined, {
          ...bearer('alpha'),
          origin: 'https://ops.example',
          'access-control-request-method': 'GET',
        });
        expect(headers['access-control-allow-origin']).toBe('https://shop.example');
        expect(headers).not.toHaveProperty('access-control-allow-credentials');
      }
      const { headers } = await api.fetch('/v1/tasks', { origin: 'https://ops.example' });
      expect(headers).toMatchObject({
        'access-control-allow-origin': 'https://ops.example',
        'access-control-allow-credentials': 'true',
      });
    } finally {
      await api.close();
    }
  });
});

describe('SKYCLAW_PUBLIC_API_KEYS', () => {
  const keysOf = (value: string) => {
    const env = new Env({ SKYCLAW_PUBLIC_API_KEYS: value });
    return { keys: controlPlaneConfig(env).publicApi.keys, warnings: env.warnings.join() };
  };

  it('is read entry by entry', () => {
    const { keys, warnings } = keysOf('a:one, b:two:, c:three:x|y|x, d:four:x:shell, e:five::shell, f, g::x');
    expect(keys.map(({ label, capabilities, shell }) => [label, capabilities, shell])).toEqual([
      ['one', ['openclaw'], false],
      ['two', ['openclaw'], false],
      ['three', ['x', 'y'], false],
      ['four', ['x'], true],
      ['five', ['openclaw'], true],
      ['public', ['openclaw'], false],
      ['public', ['x'], false],
    ]);
    expect(warnings).toBe('');
  });

  it('leaves malformed entries out, with a warning that shows no key', () => {
    const { keys, warnings } = keysOf(':hush3, hush4:x:y:z, hush5:x:y:shell:more, good:x');
    expect(keys.map(({ label }) => label)).toEqual(['x']);
    expect(warnings).toContain('3 of its entries are ignored');
    expect(warnings).not.toContain('hush');
  });
});
