import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { actionRules } from '../../src/contracts/actions.js';
import { productVersion } from '../../src/platform/product-version.js';
import { act, GatewayFixture, post } from './fixture.js';
import { fc } from '../support/properties.js';

let fixture: GatewayFixture;
let gateway: RunningGateway;

beforeAll(async () => {
  fixture = await GatewayFixture.create();
  gateway = await fixture.start();
});
afterAll(() => fixture.close());

/** Sends bytes as they are and returns the status line and the body of the answer. */
async function raw(text: string): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  socket.write(text);
  await once(socket, 'end');
  socket.destroy();
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), body };
}

describe('the gateway', () => {
  it('says that it is ready, and who executes', async () => {
    expect(await (await fetch(`${gateway.url}/status`)).json()).toEqual({
      agent_connected: true,
      ssh_fallback_enabled: false,
      ssh_fallback_healthy: false,
      ssh_fallback_target: null,
      execution_mode: 'agent_preferred',
      execution: 'Worker Connected',
    });
    const { sessions } = (await (await fetch(`${gateway.url}/sessions`)).json()) as { sessions: object[] };
    expect(sessions).toEqual([
      {
        session_id: 'local',
        agent_version: productVersion,
        capabilities: Object.keys(actionRules).sort(),
        connected_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        last_seen: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      },
    ]);
  });

  it('without a folder that actions may touch has nobody who executes', async () => {
    const empty = await fixture.start({ env: { SKYNET_ALLOWED_ROOTS: ';' } });
    expect(await (await fetch(`${empty.url}/status`)).json()).toMatchObject({ agent_connected: false });
    expect(await (await fetch(`${empty.url}/sessions`)).json()).toEqual({ sessions: [] });
  });

  it('describes every route and every field of its API', async () => {
    expect((await fetch(`${gateway.url}/docs`)).status).toBe(200);
    const document = (await (await fetch(`${gateway.url}/docs-json`)).json()) as { paths: object };
    expect(Object.keys(document.paths).sort()).toEqual([
      '/action',
      '/emergency-stop',
      '/heartbeats',
      '/livez',
      '/profile/{telegram_user_id}',
      ...['facts/{key}', 'forget', 'memory-policy'].map((word) => `/profile/{telegram_user_id}/${word}`),
      '/projects',
      '/projects/{id}',
      ...['approve', 'cancel', 'events', 'ideas', 'pause', 'plan', 'resume'].map(
        (word) => `/projects/{id}/${word}`,
      ),
      '/providers',
      '/providers/usage',
      '/readyz',
      '/resume',
      '/sentinel',
      '/sessions',
      '/skills',
      '/skills/match',
      '/status',
      '/v1/chat/completions',
      '/v1/models',
    ]);
  });

  it.each([
    ['{', 'Invalid JSON body.'],
    ['[]', 'Invalid JSON body.'],
    ['"x"', 'Invalid JSON body.'],
    ['null', 'Invalid JSON body.'],
    ['', 'Invalid JSON body.'],
    [`{"action":"a","params":${'['.repeat(100)}${']'.repeat(100)}}`, 'Invalid JSON body.'],
    ['{"action":"a\\u0000"}', 'Invalid JSON body.'],
    ['{"action":"\\ud800"}', 'Invalid JSON body.'],
    [{}, "Missing 'action' field."],
    [{ action: '' }, "Missing 'action' field."],
    [{ action: null }, "Missing 'action' field."],
    [{ action: 3 }, "'action' must be a string."],
    [{ action: 'x'.repeat(256) }, "'action' must have at most 255 characters."],
    [{ action: 'file_read', params: [] }, "'params' must be an object."],
    [{ action: 'file_read', params: null }, "'params' must be an object."],
    [{ action: 'file_read', params: 'x' }, "'params' must be an object."],
    [{ action: 'file_read', idempotency_key: 'k' }, 'idempotency_key requires task_id.'],
    [{ action: 'file_read', task_id: 3 }, "'task_id' must be a string."],
    [{ action: 'file_read', task_id: 't', idempotency_key: {} }, "'idempotency_key' must be a string."],
    [{ action: 'file_read', task_id: 't', lease_number: 1.5 }, "'lease_number' must be a whole number."],
    [{ action: 'file_read', task_id: 't', lease_number: '1' }, "'lease_number' must be a whole number."],
    [{ action: 'file_read', task_id: 't', lease_number: 2 ** 60 }, "'lease_number' must be a whole number."],
  ])('refuses the body %.60j', async (body, error) => {
    expect(await post(gateway, '/action', body)).toEqual({ status: 400, body: { error } });
  });

  it('answers unknown paths, wrong methods and bodies without end in its own words', async () => {
    expect(await post(gateway, '/nothing')).toEqual({ status: 404, body: { error: 'not found' } });
    const wrong = await fetch(`${gateway.url}/action`);
    expect([wrong.status, wrong.headers.get('allow'), await wrong.json()]).toEqual([
      405,
      'POST',
      { error: 'method not allowed' },
    ]);
    const huge = JSON.stringify({ action: 'file_write', params: { content: 'x'.repeat(9 * 1_048_576) } });
    expect(await post(gateway, '/action', huge)).toEqual({
      status: 413,
      body: { error: 'Request body too large.' },
    });
  });

  it.each([
    ['a broken escape in the path', 'GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
    ['no HTTP at all', 'HELLO\r\n\r\n'],
    [
      'two lengths',
      'POST /action HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x',
    ],
    [
      'a body that is no UTF-8',
      'POST /action HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n\u00ff',
    ],
  ])('answers %s with a 4xx', async (_what, text) => {
    const { status, body } = await raw(text);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(JSON.parse(body)).toHaveProperty('error');
  });

  it('never answers with a 5xx, whatever it is sent', async () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('..', '/etc/passwd', '-x', '', 'a'.repeat(5_000), "';drop table x;--"),
    );
    const names = [...Object.keys(actionRules), 'shell_exec', 'nonsense', '__proto__', 'constructor'];
    // What runs programs or waits for them is left out where it could get beyond the checks.
    const harmless = names.filter((name) => name !== 'run_tests' && name !== 'git_push');
    const keys = [
      'file',
      'directory',
      'working_dir',
      'content',
      'message',
      'runner',
      'recursive',
      '__proto__',
    ];
    const body = fc.record(
      {
        action: fc.oneof(fc.constantFrom(...harmless), value),
        params: fc.oneof(fc.dictionary(fc.constantFrom(...keys), value), value),
        confirmed: value,
        task_id: value,
        idempotency_key: value,
        lease_number: value,
      },
      { requiredKeys: [] },
    );
    let quiet = await fixture.start();
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(body, async (request) => {
        // A new gateway has not counted yet: the checks behind the rate limit are the interesting ones.
        if (++sent % 100 === 0) quiet = await fixture.start();
        const { status, body: answer } = await post(quiet, '/action', request);
        expect(status).toBeLessThan(500);
        expect(JSON.stringify(answer)).not.toMatch(/node_modules|\.[jt]s:\d+|select .* from/i);
      }),
      { numRuns: 400 },
    );
  });
});

describe('access', () => {
  it('is by bearer token when there is one, but for health and documentation', async () => {
    const closed = await fixture.start({ env: { SKYNET_GATEWAY_TOKEN: 'secret' } });
    const unauthorized = { status: 401, body: { error: 'Unauthorized' } };
    for (const authorization of ['', 'Bearer wrong', 'Bearer secret2', 'secret', 'Basic secret']) {
      expect(await post(closed, '/action', '{', { authorization })).toEqual(unauthorized);
    }
    for (const path of ['/emergency-stop', '/resume', '/%61ction']) {
      expect(await post(closed, path)).toEqual(unauthorized);
    }
    expect((await fetch(`${closed.url}/status`)).status).toBe(401);
    expect((await fetch(`${closed.url}/sessions`)).status).toBe(401);
    expect(
      (await post(closed, '/action', { action: 'nope' }, { authorization: 'bearer secret' })).status,
    ).toBe(200);
    for (const path of ['/livez', '/readyz', '/docs']) {
      expect((await fetch(closed.url + path)).status).toBe(200);
    }
  });

  it('is not for web pages of other sites, nor under a name that only looks like this machine', async () => {
    const request = { action: 'nope' };
    expect(await post(gateway, '/action', request, { origin: 'https://evil.example' })).toMatchObject({
      status: 403,
    });
    expect((await post(gateway, '/action', request, { origin: gateway.url })).status).toBe(200);
    const rebound = await raw('GET /status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
    expect(rebound.status).toBe(403);
  });
});

it('refuses more than 120 actions in 60 seconds, replays not counted', async () => {
  const busy = await fixture.start();
  const directory = { directory: fixture.root };
  const key = { task_id: 'rate', idempotency_key: 'k' };
  await act(busy, 'list_directory', directory, key);
  for (let sent = 1; sent < 120; sent += 17) {
    await Promise.all(
      Array.from({ length: Math.min(17, 120 - sent) }, () => act(busy, 'list_directory', directory)),
    );
  }
  expect((await act(busy, 'list_directory', directory)).body).toEqual({
    status: 'error',
    action: 'list_directory',
    error: 'Rate limit exceeded: 120 actions per 60s.',
  });
  expect((await act(busy, 'list_directory', directory, key)).body.idempotent_replay).toBe(true);
});
