import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { Caller, shell } from './fixture.js';

let api: TestControlPlane;
beforeAll(async () => {
  api = await startTestControlPlane({ env: { SKYCLAW_TOKEN: 'token', SKYCLAW_TOKEN_PREVIOUS: 'old token' } });
  const caller = new Caller(api, { 'x-skyclaw-token': 'token' });
  await caller.register('h');
  await caller.register('other');
  await caller.submit();
});
afterAll(() => api.close());

const TOKEN = { 'x-skyclaw-token': 'token' };
const call = (method: string, path: string, body?: unknown) => api.call(method, path, body, TOKEN);

describe('what is wrong with a request', () => {
  it.each([
    ['POST', '/v1/hosts/register', {}, 400, 'name is required'],
    ['POST', '/v1/hosts/register', { name: '  ' }, 400, 'name is required'],
    ['POST', '/v1/hosts/none/heartbeat', {}, 404, 'unknown host: none'],
    ['POST', '/v1/hosts/none/claim', {}, 404, 'unknown host: none'],
    ['POST', '/v1/hosts/none/claim', { wait_ms: 20_000 }, 404, 'unknown host: none'],
    ['GET', '/v1/hosts/none', undefined, 404, 'unknown host: none'],
    ['POST', '/v1/hosts/none/drain', {}, 404, 'unknown host: none'],
    ['POST', '/v1/jobs', {}, 400, 'payload is required'],
    ['POST', '/v1/jobs', { payload: null }, 400, 'payload is required'],
    ['POST', '/v1/jobs', { payload: { kind: 'x' } }, 400, 'unsupported payload kind: x'],
    ['POST', '/v1/jobs', { payload: { kind: 'shell' } }, 400, 'payload.command is required'],
    [
      'POST',
      '/v1/jobs',
      { payload: shell(), requirement: { requiredCapabilities: 'x' } },
      400,
      'requirement.requiredCapabilities must be a list of texts',
    ],
    [
      'POST',
      '/v1/jobs',
      { payload: shell(), dependencies: ['none', 'nil'] },
      400,
      'Dependency tasks not found: none, nil',
    ],
    ['GET', '/v1/jobs/none', undefined, 404, 'job not found'],
    ['POST', '/v1/jobs/none/complete', { hostId: 'none', success: true }, 404, 'unknown host: none'],
    ['POST', '/v1/jobs/none/complete', { hostId: 'h', success: true }, 404, 'unknown job: none'],
    ['POST', '/v1/jobs/none/complete', {}, 400, 'hostId is required'],
    ['POST', '/v1/jobs/none/complete', { hostId: 'h' }, 400, 'success is required'],
    ['POST', '/v1/jobs/none/renew', { hostId: 'h' }, 404, 'unknown job: none'],
    ['GET', '/v1/jobs/a/b/c', undefined, 404, 'not found'],
    ['PUT', '/v1/jobs', {}, 404, 'not found'],
    ['POST', '/v1/jobs', '{', 400, 'malformed JSON'],
  ])('%s %s %j is %d: %s', async (method, path, body, status, error) => {
    const answer = await call(method, path, body);
    expect({ status: answer.status, error: answer.body.error }).toEqual({ status, error });
  });

  it('is told in a problem document on new routes, with the text of the others', async () => {
    const { headers, body } = await call('GET', '/v1/jobs/none');
    expect(headers['content-type']).toContain('application/problem+json');
    expect(body).toMatchObject({
      type: 'urn:skynet:problem:job-not-found',
      status: 404,
      error: 'job not found',
    });
    const old = await call('POST', '/v1/hosts/none/claim', {});
    expect(old.body).toEqual({ error: 'unknown host: none' });
  });

  it('of a job that others hold, or nobody', async () => {
    const caller = new Caller(api, TOKEN);
    const job = await caller.claim('h');
    const id = job?.id ?? '';
    const from = (hostId: string, more: object = {}) => caller.complete(id, { hostId, ...more });
    expect(await from('other')).toMatchObject({ status: 409, body: { error: `job ${id} is assigned to h` } });
    expect(await from('h', { leaseToken: '0'.repeat(32) })).toMatchObject({ status: 409 });
    const { id: waiting } = await caller.submit();
    const early = await caller.complete(waiting, { hostId: 'h' });
    expect(early).toMatchObject({ status: 409, body: { error: `job ${waiting} is assigned to nobody` } });
    expect((await call('POST', `/v1/jobs/${waiting}/renew`, { hostId: 'h' })).status).toBe(409);
    expect((await call('POST', `/v1/jobs/${id}/renew`, { hostId: 'h' })).body.job).toMatchObject({ id });
  });
});

describe('the token', () => {
  it('is asked for on all routes of the family, known and unknown, before anything else', async () => {
    for (const path of ['/v1/jobs', '/v1/hosts/h/claim', '/v1/jobs/x/y/z', '/v1/%6Aobs', '/v1/state/x']) {
      for (const headers of [{}, { 'x-skyclaw-token': 'wrong' }, { 'x-skyclaw-token': '' }]) {
        const answer = await api.call('POST', path, '{', headers);
        expect({ path, ...answer }).toMatchObject({ status: 401, body: { error: 'unauthorized' } });
      }
    }
  });

  it('may be the one before it while it is replaced', async () => {
    expect((await api.fetch('/v1/jobs', { 'x-skyclaw-token': 'old token' })).status).toBe(200);
  });

  it('does not open the other routes, nor does their key open these', async () => {
    const both = await startTestControlPlane({ env: { SKYNET_API_KEY: 'key', SKYCLAW_TOKEN: 'token' } });
    try {
      expect((await both.fetch('/v1/tasks', TOKEN)).status).toBe(401);
      expect((await both.fetch('/v1/jobs', { 'x-api-key': 'key' })).status).toBe(401);
      expect((await both.fetch('/v1/jobs', TOKEN)).status).toBe(200);
      expect((await both.fetch('/v1/tasks', { 'x-api-key': 'key' })).status).toBe(200);
    } finally {
      await both.close();
    }
  });

  it('is missed by nobody where keys are required and none is set: the routes are closed', async () => {
    const closed = await startTestControlPlane({
      env: { SKYNET_API_KEY: 'key', SKYNET_REQUIRE_AUTH: '1' },
    });
    try {
      expect((await closed.fetch('/v1/jobs', { 'x-skyclaw-token': '' })).status).toBe(401);
      expect((await closed.fetch('/v1/jobs', { 'x-api-key': 'key' })).status).toBe(401);
    } finally {
      await closed.close();
    }
  });

  it('callers are not counted by the limit of the other routes', async () => {
    const counted = await startTestControlPlane({ env: { SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '1' } });
    try {
      for (let n = 0; n < 3; n++) expect((await counted.fetch('/v1/jobs')).status).toBe(200);
      expect((await counted.fetch('/v1/tasks')).status).toBe(200);
      expect((await counted.fetch('/v1/tasks')).status).toBe(429);
    } finally {
      await counted.close();
    }
  });
});

describe('hostile bodies', () => {
  const odd: unknown[] = [
    ...['', 'null', '0', '"x"', '[]', '{', '[[[', '{"a":', '\u0000', '{"\\ud800":1}', '{"a":"\\u0000"}'],
    ...[{}, { payload: [] }, { payload: 1 }, { payload: {} }, { payload: { kind: null } }],
    ...[
      { payload: { kind: 'shell', command: [] } },
      { payload: { kind: 'shell', command: 'x'.repeat(900_000) } },
    ],
    ...[{ payload: shell('x', { env: { __proto__: 'y', 'a=b': 'c' } }) }],
    ...[{ payload: shell('x', { args: Array(20_000).fill('y') }) }],
    ...[{ payload: shell('x', { timeoutMs: 1e300 }) }, { payload: shell('x', { timeoutMs: '5000' }) }],
    ...[
      { payload: shell(), priority: 1e99 },
      { payload: shell(), priority: 'x' },
      { payload: shell(), ttlMs: -1 },
    ],
    ...[
      { payload: shell(), dependencies: [1] },
      { payload: shell(), dependencies: ['\u0000'] },
    ],
    ...[
      { payload: shell(), requirement: [] },
      { payload: shell(), requirement: { requiredCapabilities: [null] } },
    ],
    ...[
      { payload: shell(), submittedBy: {} },
      { payload: shell(), submittedBy: 'x'.repeat(10_000) },
    ],
    ...[
      { name: 1 },
      { name: 'x', maxParallel: 0 },
      { name: 'x', maxParallel: 1.5 },
      { name: 'x', capabilities: 'y' },
    ],
    ...[
      { name: 'x', hostId: 'a'.repeat(5_000) },
      { name: 'x', hostId: 7 },
      { name: 'x', activeJobs: {} },
    ],
    ...[{ activeLeases: -1 }, { activeLeases: 'many' }, { activeJobs: 'x' }, { activeJobs: [{}] }],
    ...[{ hostId: 'h' }, { hostId: 'h', success: 'maybe' }, { hostId: 'h', success: true, exitCode: 1.5 }],
    ...[
      { hostId: 'h', success: true, durationMs: -5 },
      { hostId: 'h', success: true, stdout: 7 },
    ],
    ...[
      { deadlineMs: -1 },
      { deadlineMs: 'soon' },
      { reason: 1 },
      { reason: 'x'.repeat(20_000) },
      { wait_ms: 1e9 },
    ],
    ...['['.repeat(500) + ']'.repeat(500), `{"payload":${'{"a":'.repeat(100)}1${'}'.repeat(100)}}`],
  ];

  it.each([
    '/v1/jobs',
    '/v1/hosts/register',
    '/v1/hosts/h/heartbeat',
    '/v1/hosts/h/claim',
    '/v1/jobs/none/complete',
    '/v1/jobs/none/renew',
    '/v1/jobs/none/cancel',
    '/v1/hosts/other/drain',
    '/v1/hosts/%00/claim',
  ])('never make %s fail', async (path) => {
    expect(odd.length).toBeGreaterThanOrEqual(50);
    for (const body of odd) {
      const { status, body: answer } = await call('POST', path, body);
      expect({ body: JSON.stringify(body).slice(0, 100), fine: status < 500, status }).toMatchObject({
        fine: true,
      });
      if (status >= 400) expect(typeof answer.error).toBe('string');
    }
  });
});
