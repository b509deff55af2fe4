import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { scopes } from '../../src/platform/http/scopes.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { routesOf } from '../support/routes.js';

let api: TestControlPlane;
beforeAll(async () => {
  api = await startTestControlPlane({ env: { SKYNET_API_KEY: 'root', SKYCLAW_TOKEN: 'token' } });
});
afterAll(() => api.close());

const root = { 'x-api-key': 'root' };
const as = (secret: string) => ({ authorization: `Bearer ${secret}` });
const make = async (...wanted: string[]) => {
  const { body } = await api.post('/v1/keys', { label: 'a', scopes: wanted }, root);
  return body as { key: { id: string; prefix: string }; secret: string };
};
const statusWith = async (secret: string) => (await api.fetch('/v1/tasks', as(secret))).status;
const untilRefused = (secret: string) =>
  eventually('the key is refused', async () => ((await statusWith(secret)) === 401 ? true : undefined));

describe('a key of the database', () => {
  it('opens what its scopes say; its secret is shown once and kept nowhere', async () => {
    const headers = { ...root, 'x-idempotency-key': 'once' };
    const request = { label: ' ci ', scopes: ['tasks:read', 'tasks:read'] };
    const { body } = await api.post('/v1/keys', request, headers);
    expect(body.secret).toMatch(/^sky_[0-9a-f]{56}$/);
    expect(body.key).toMatchObject({
      ...{ label: 'ci', scopes: ['tasks:read'], project_id: null, rotated_from: null, expires_at: null },
      ...{ prefix: body.secret.slice(0, 12), last_used_at: null, revoked_at: null },
    });
    expect((await api.post('/v1/keys', request, headers)).body).toEqual({ key: body.key, secret: null });
    const [row] = await api.query('select * from api_keys where key_id = $1', [body.key.id]);
    expect(JSON.stringify(row)).not.toContain(body.secret.slice(12));
    expect(await statusWith(body.secret)).toBe(200);
    expect((await api.fetch('/v1/tasks', { 'x-api-key': body.secret })).status).toBe(200);
    const refused = await api.post('/v1/tasks/enqueue', { action: 'x' }, as(body.secret));
    expect(refused).toMatchObject({
      status: 403,
      body: { detail: "This key is not allowed to do that: it lacks the scope 'tasks:write'." },
      headers: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="tasks:write"' },
    });
    await eventually('its use is noted', async () => {
      const { keys } = (await api.fetch('/v1/keys', root)).body;
      return keys[0].last_used_at === null ? undefined : true;
    });
  });

  it.each([
    ['mistyped', (secret: string) => `${secret.slice(0, -1)}${secret.endsWith('0') ? '1' : '0'}`],
    ['cut', (secret: string) => secret.slice(0, -1)],
    ['made up', () => 'sky_'],
  ])('opens nothing when it is %s, not even what is open to everybody', async (_how, wrong) => {
    const open = await startTestControlPlane({ databaseUrl: api.databaseUrl });
    const { secret } = await make('admin');
    expect((await open.fetch('/v1/tasks')).status).toBe(200);
    expect((await open.fetch('/v1/tasks', as(secret))).status).toBe(200);
    expect((await open.fetch('/v1/tasks', as(wrong(secret)))).status).toBe(401);
    expect((await open.fetch('/livez', as(wrong(secret)))).status).toBe(200);
    await open.close();
  });

  it('is rotated with an overlap, and refused within a second once it is revoked, has expired or is replaced', async () => {
    const old = await make('tasks:read');
    const next = (await api.post(`/v1/keys/${old.key.id}/rotate`, {}, root)).body;
    expect(next.key).toMatchObject({ label: 'a', scopes: ['tasks:read'], rotated_from: old.key.id });
    expect([await statusWith(old.secret), await statusWith(next.secret)]).toEqual([200, 200]);
    const last = (await api.post(`/v1/keys/${next.key.id}/rotate`, { overlap_seconds: 0 }, root)).body;
    await untilRefused(next.secret);
    expect([await statusWith(old.secret), await statusWith(last.secret)]).toEqual([200, 200]);
    const again = await api.post(`/v1/keys/${next.key.id}/rotate`, {}, root);
    expect(again).toMatchObject({ status: 404, body: { type: expect.stringMatching(/api-key-not-found$/) } });
    await api.call('DELETE', `/v1/keys/${last.key.id}`, undefined, root);
    await untilRefused(last.secret);
    const once = await api.call('DELETE', `/v1/keys/${last.key.id}`, undefined, root);
    expect(once.body.key.revoked_at).toMatch(/^20/);
    expect((await api.call('DELETE', '/v1/keys/nobody', undefined, root)).status).toBe(404);
    await api.query(`update api_keys set expires_at = now() where key_id = $1`, [old.key.id]);
    await untilRefused(old.secret);
  });

  it.each([
    [{ label: ' ', scopes: ['admin'] }, 400, 'label is required'],
    [{ label: 'a', scopes: [] }, 400, 'scopes must name at least one of tasks:read'],
    [{ label: 'a', scopes: ['root'] }, 400, "Unknown scope 'root'; there are tasks:read"],
    [{ label: 'a', scopes: ['admin'], expires_at: '2020-01-01' }, 400, 'expires_at must lie in the future'],
    [{ scopes: ['admin'] }, 422, 'label'],
  ])('is not made of %j', async (request, status, text) => {
    const answer = await api.post('/v1/keys', request, root);
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(text);
  });

  it('is listed page by page, newest first', async () => {
    const ids = [];
    let cursor = '';
    do {
      const { body } = await api.fetch(`/v1/keys?limit=3${cursor}`, root);
      ids.push(...body.keys.map(({ id }: { id: string }) => id));
      cursor = body.next_cursor === undefined ? '' : `&cursor=${body.next_cursor}`;
    } while (cursor !== '');
    const rows = await api.query<{ key_id: string }>('select key_id from api_keys order by created_at desc');
    expect(ids).toEqual(rows.map(({ key_id }) => key_id));
  });
});

describe('every route of the API', () => {
  it('is opened by one scope and by admin, and by no other', async () => {
    const secrets = new Map<string, string>();
    for (const scope of scopes) secrets.set(scope, (await make(scope)).secret);
    const public_ = new Set(['GET /v1/health', 'HEAD /v1/health']);
    const routes = routesOf(api.server).filter(
      (route) => / \/(?:v1\/|metrics)/.test(route) && !route.includes(' /v1/public/') && !public_.has(route),
    );
    expect(routes.length).toBeGreaterThan(80);
    const opened: Record<string, string[]> = {};
    for (const route of routes) {
      const [method = '', path = ''] = route.split(' ');
      opened[route] = [];
      for (const [scope, secret] of secrets) {
        const hasBody = method !== 'GET' && method !== 'HEAD';
        const answer = await fetch(`${api.url}${path.replaceAll(/:\w+/g, 'x')}?limit=nonsense`, {
          ...{ method, headers: as(secret) },
          ...(hasBody ? { body: '[]' } : {}),
        });
        // A stream goes on for ever.
        await answer.body?.cancel();
        const { status } = answer;
        expect(status).not.toBe(401);
        if (status !== 403) opened[route].push(scope);
      }
    }
    const odd = Object.entries(opened).filter(([, by]) => by.length > 2 || !by.includes('admin'));
    expect(odd).toEqual([]);
  });
});

describe('a run token', () => {
  const claim = async () => {
    const { secret } = await make('claims');
    await api.post('/v1/tasks/enqueue', { action: 'x', project_id: 'run' }, root);
    const wanted = { worker_id: 'w', project_id: 'run' };
    return (await api.post('/v1/tasks/claim', wanted, as(secret))).body.task as Record<string, string>;
  };

  it('may start, renew, take files and report for its claim, without naming it', async () => {
    const task = await claim();
    const run = as(task['run_token'] ?? '');
    const at = `/v1/tasks/${task['id']}`;
    expect((await api.post(`${at}/start`, {}, run)).body).toEqual({ ok: true });
    expect((await api.post(`${at}/renew`, undefined, run)).body).toMatchObject({ ok: true });
    expect((await api.post('/v1/files/claim', { file_path: 'a.ts' }, run)).body.ok).toBe(true);
    expect((await api.post('/v1/files/release', { paths: ['a.ts'] }, run)).body.released).toEqual(['a.ts']);
    expect((await api.post(`${at}/complete`, { result: { n: 1 } }, run)).body).toEqual({ ok: true });
    expect((await api.post(`${at}/complete`, {}, run)).status).toBe(409);
    expect((await api.fetch(at, root)).body).toMatchObject({ status: 'succeeded', result: { n: 1 } });
  });

  it('is for nothing else', async () => {
    const [task, other] = [await claim(), await claim()];
    const run = as(task['run_token'] ?? '');
    const refused = async (path: string, body: object) => {
      const answer = await api.post(path, body, run);
      expect([path, answer.status]).toEqual([path, 403]);
    };
    const at = `/v1/tasks/${task['id']}`;
    await refused(`/v1/tasks/${other['id']}/start`, {});
    await refused(`${at}/start`, { claim_token: other['claim_token'] });
    await refused(`${at}/start`, { worker_id: 'somebody' });
    await refused('/v1/files/claim', { task_id: other['id'], file_path: 'a' });
    await refused(`${at}/complete`, { claim_next: {} });
    await refused('/v1/tasks/claim', { worker_id: 'w' });
    await refused('/v1/tasks/enqueue', { action: 'x' });
    await refused('/v1/tasks/complete', { worker_id: 'w', items: [] });
    expect((await api.fetch(at, run)).status).toBe(403);
    const forged = `${(task['run_token'] ?? '').slice(0, -2)}xx`;
    for (const wrong of [
      forged,
      'skr_',
      'skr_e30.',
      `skr_${Buffer.from('["a","b","c"]').toString('base64url')}.x`,
    ]) {
      expect((await api.post(`${at}/start`, {}, as(wrong))).status).toBe(401);
    }
  });
});
