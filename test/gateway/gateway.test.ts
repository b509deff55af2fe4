import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { gatewayConfig, type RunningGateway, startGateway } from '../../src/gateway/index.js';
import { Env } from '../../src/platform/config/env.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';

let database: TestDatabase;
let root: string;
let gateway: RunningGateway;

function start(more: Record<string, string> = {}): Promise<RunningGateway> {
  const env = new Env({
    SKYNET_HTTP_PORT: '0',
    SKYNET_ALLOWED_ROOTS: root,
    SKYNET_LOG_LEVEL: 'silent',
    ...more,
  });
  const config = { ...gatewayConfig(env), patienceMs: 100 };
  return startGateway({
    config,
    databaseUrl: database.url,
    logger: createLogger('test', 'silent'),
    env: process.env,
  });
}

async function post(path: string, body: unknown, at = gateway, headers: Record<string, string> = {}) {
  const response = await fetch(at.url + path, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

const act = (action: string, params: object, more: object = {}) =>
  post('/action', { action, params, confirmed: true, ...more });

/** A node test that appends a line to `log` and then lasts until `gate` exists, or for ever. */
function slowTest(name: string, { log, gate }: { log: string; gate?: string }): string {
  const folder = join(root, name);
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'slow.test.mjs'),
    `import { appendFileSync, existsSync } from 'node:fs';
     import test from 'node:test';
     appendFileSync(${JSON.stringify(log)}, 'ran\\n');
     test('waits', async () => {
       while (!existsSync(${JSON.stringify(gate ?? '/nowhere')})) await new Promise((done) => setTimeout(done, 20));
     });`,
  );
  return folder;
}

const ran = (log: string) => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0);
const untilRan = (log: string) =>
  eventually('the action runs', () => Promise.resolve(ran(log) > 0 ? true : undefined));

beforeAll(async () => {
  database = await createTestDatabase('empty');
  root = realpathSync(mkdtempSync(join(tmpdir(), 'skynet-gateway-test-')));
  gateway = await start();
});
afterAll(async () => {
  await gateway.close();
  await database.drop();
  rmSync(root, { recursive: true, force: true });
});

describe('the gateway', () => {
  it('says that it is ready, and who executes', async () => {
    const status = await (await fetch(`${gateway.url}/status`)).json();
    expect(status).toEqual({
      agent_connected: true,
      ssh_fallback_enabled: false,
      ssh_fallback_healthy: false,
      ssh_fallback_target: null,
      execution_mode: 'agent_preferred',
    });
    const { sessions } = (await (await fetch(`${gateway.url}/sessions`)).json()) as { sessions: object[] };
    expect(sessions).toHaveLength(1);
    expect(sessions[0]).toMatchObject({
      session_id: 'local',
      capabilities: expect.arrayContaining(['file_read']),
    });
  });

  it.each([
    ['{', 400, 'Invalid JSON body.'],
    ['[]', 400, 'Invalid JSON body.'],
    ['', 400, 'Invalid JSON body.'],
    [{}, 400, "Missing 'action' field."],
    [{ action: 3 }, 400, "'action' must be a string."],
    [{ action: 'file_read', params: [] }, 400, "'params' must be an object."],
    [{ action: 'file_read', idempotency_key: 'k' }, 400, 'idempotency_key requires task_id.'],
    [{ action: 'file_read', task_id: 't', lease_number: 1.5 }, 400, "'lease_number' must be a whole number."],
  ])('refuses the body %j', async (body, status, error) => {
    expect(await post('/action', body)).toEqual({ status, body: { error } });
  });

  it('answers unknown paths and wrong methods in its own words', async () => {
    expect(await post('/nothing', {})).toEqual({ status: 404, body: { error: 'not found' } });
    const wrong = await fetch(`${gateway.url}/action`);
    expect([wrong.status, await wrong.json()]).toEqual([405, { error: 'method not allowed' }]);
  });

  it('never answers with a 5xx, whatever it is sent', async () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('..', '/etc/passwd', '-x', ''),
    );
    const actions = [
      'file_read',
      'list_directory',
      'git_status',
      'run_tests',
      'shell_exec',
      'nonsense',
      '__proto__',
      'constructor',
    ];
    const body = fc.record({
      action: fc.oneof(fc.constantFrom(...actions), value),
      params: fc.oneof(
        fc.dictionary(fc.constantFrom('file', 'directory', 'working_dir', 'runner', 'recursive'), value),
        value,
      ),
      confirmed: value,
      task_id: fc.oneof(value, fc.constant(undefined)),
      lease_number: fc.oneof(value, fc.constant(undefined)),
    });
    const quiet = await start();
    try {
      await fc.assert(
        fc.asyncProperty(body, async (sent) => (await post('/action', sent, quiet)).status < 500),
        { numRuns: 400 },
      );
    } finally {
      await quiet.close();
    }
  });

  it('asks for its token when it has one, and refuses to be open to the network without', async () => {
    const closed = await start({ SKYNET_GATEWAY_TOKEN: 'secret' });
    try {
      expect((await post('/action', { action: 'x' }, closed)).status).toBe(401);
      const good = await post('/action', { action: 'nope' }, closed, { authorization: 'Bearer secret' });
      expect(good.status).toBe(200);
      expect((await fetch(`${closed.url}/livez`)).status).toBe(200);
      expect((await fetch(`${closed.url}/%73tatus`)).status).toBe(401);
    } finally {
      await closed.close();
    }
    expect(() => gatewayConfig(new Env({ SKYNET_HTTP_HOST: '0.0.0.0' }))).toThrow('SKYNET_GATEWAY_TOKEN');
    expect(
      gatewayConfig(new Env({ SKYNET_HTTP_HOST: '0.0.0.0', OPENCLAW_HTTP_ALLOW_UNAUTHENTICATED: '1' })).host,
    ).toBe('0.0.0.0');
  });
});

describe('actions', () => {
  const inRoot = (name: string) => join(root, name);

  it('write, read, create and list', async () => {
    const written = await act('file_write', { file: inRoot('a/b.txt'), content: 'hällo\n' });
    expect(written.body).toMatchObject({ status: 'success', result: { returncode: 0 } });
    expect((await act('file_read', { file: inRoot('a/b.txt') })).body.result.stdout).toBe('hällo\n');
    await act('create_directory', { directory: inRoot('a/c/d') });
    expect(
      (await act('list_directory', { directory: inRoot('a'), recursive: true })).body.result.stdout,
    ).toBe('b.txt\nc/\nc/d/');
    expect((await act('list_directory', { directory: inRoot('a') })).body.result.stdout).toBe('b.txt\nc/');
  });

  it('cut what they read, and refuse what is too large to write', async () => {
    writeFileSync(inRoot('long'), 'x'.repeat(70_000));
    const { stdout } = (await act('file_read', { file: inRoot('long') })).body.result;
    expect(stdout).toHaveLength(65_536 + '\n... (truncated at 64 KB)'.length);
    const large = await act('file_write', { file: inRoot('large'), content: 'x'.repeat(1_048_577) });
    expect(large.body).toMatchObject({ status: 'error', error: 'Content exceeds 1 MB limit.' });
    expect(existsSync(inRoot('large'))).toBe(false);
  });

  it('work with git from an empty folder to a commit', async () => {
    const working_dir = inRoot('repo');
    await act('create_directory', { directory: working_dir });
    expect((await act('git_init', { working_dir })).body.result.returncode).toBe(0);
    writeFileSync(join(working_dir, '.git', 'config'), '[user]\n name = t\n email = t@localhost\n', {
      flag: 'a',
    });
    await act('file_write', { file: join(working_dir, 'x y.txt'), content: '1' });
    expect((await act('git_status', { working_dir })).body.result.stdout).toContain('x y.txt');
    await act('git_add_all', { working_dir });
    const commit = await act('git_commit', { working_dir, message: 'It\'s $(done); `really` "so"\n\nbody' });
    expect(commit.body.result).toMatchObject({ returncode: 0 });
    expect((await act('git_push', { working_dir })).body.result.returncode).not.toBe(0);
  });

  it.each([
    ['shell_exec', {}, {}, "Action 'shell_exec' is explicitly blocked."],
    ['whatever', {}, {}, "Action 'whatever' is implicitly blocked."],
    ['__proto__', {}, {}, "Action '__proto__' is implicitly blocked."],
    ['file_write', { file: 'x', content: '' }, { confirmed: false }, 'Confirmation required.'],
    ['file_write', { file: 'x', content: '' }, { confirmed: 'true' }, 'Confirmation required.'],
    [
      'git_push',
      { working_dir: '.', remote: 'a;b' },
      {},
      "Parameter 'remote' contains disallowed shell metacharacters.",
    ],
    ['git_push', { working_dir: '.', remote: '--x' }, {}, "Parameter 'remote' must not start with '-'."],
    ['file_read', { file: 'a'.repeat(4_097) }, {}, "Parameter 'file' exceeds maximum length (4096 chars)."],
    ['file_read', {}, {}, "Parameter 'file' is required."],
  ])('refuse %s %j %j', async (action, params, more, error) => {
    const answer = await act(action, params, {
      task_id: 'refused',
      idempotency_key: `${action}-${error}`,
      ...more,
    });
    expect(answer).toEqual({ status: 200, body: { status: 'error', action, error } });
    // A refusal is not an execution: the same key may be used again.
    const again = await act(action, params, {
      task_id: 'refused',
      idempotency_key: `${action}-${error}`,
      ...more,
    });
    expect(again.body).not.toHaveProperty('idempotent_replay');
  });

  it('stay inside of the roots, through .. and links, for what exists and what does not', async () => {
    symlinkSync('/etc', inRoot('link'));
    symlinkSync('/nowhere/at/all', inRoot('dangling'));
    for (const file of [
      '/etc/passwd',
      '../../etc/passwd',
      'link/passwd',
      'link/new',
      'dangling',
      `${root}-beside/x`,
    ]) {
      const { body } = await act('file_read', { file });
      expect(body.error).toMatch(/^Path '.*' \(resolved: '.*'\) is outside allowed roots\.$/);
      expect((await act('file_write', { file, content: 'x' })).body.error).toMatch(/outside allowed roots/);
    }
  });

  it('say which runner is unknown and what is not supported here', async () => {
    expect((await act('run_tests', { working_dir: root, runner: 'make' })).body.result).toEqual({
      returncode: 1,
      stdout: '',
      stderr: 'Unknown runner: make',
    });
    expect((await act('docker_build', { working_dir: root })).body.result.stderr).toContain(
      'is not supported by the local executor',
    );
  });
});

describe('an idempotency key', () => {
  it('runs once, for callers at the same time and for those who come later, and for one action only', async () => {
    const log = join(root, 'once.log');
    const gate = join(root, 'once.gate');
    const working_dir = slowTest('once', { log, gate });
    const key = { task_id: 'once', idempotency_key: 'k' };
    const calls = Array.from({ length: 10 }, () => act('run_tests', { working_dir, runner: 'node' }, key));
    await untilRan(log);
    writeFileSync(gate, '');
    const answers = await Promise.all(calls);
    expect(answers.map((answer) => answer.body.result.returncode)).toEqual(Array(10).fill(0));
    expect(answers.filter((answer) => answer.body.idempotent_replay !== true)).toHaveLength(1);
    expect((await act('run_tests', { working_dir, runner: 'node' }, key)).body.idempotent_replay).toBe(true);
    expect(ran(log)).toBe(1);
    expect((await act('run_tests', { working_dir, runner: 'npm' }, key)).status).toBe(409);
  });

  it('goes on when its caller hangs up, and answers him when he comes back', async () => {
    const log = join(root, 'hangup.log');
    const gate = join(root, 'hangup.gate');
    const working_dir = slowTest('hangup', { log, gate });
    const body = JSON.stringify({
      action: 'run_tests',
      params: { working_dir, runner: 'node' },
      task_id: 'h',
      idempotency_key: 'k',
    });
    const abort = new AbortController();
    const gone = fetch(`${gateway.url}/action`, { method: 'POST', body, signal: abort.signal }).catch(
      () => 'gone',
    );
    await untilRan(log);
    abort.abort();
    expect(await gone).toBe('gone');
    writeFileSync(gate, '');
    expect((await post('/action', body)).body).toMatchObject({ status: 'success', idempotent_replay: true });
    expect(ran(log)).toBe(1);
  });

  it('with a lease number lower than one seen before is refused, unless it has run', async () => {
    const params = { directory: root };
    const call = (idempotency_key: string, lease_number: number) =>
      act('list_directory', params, { task_id: 'lease', idempotency_key, lease_number });
    expect((await call('a', 3)).status).toBe(200);
    expect(await call('b', 2)).toEqual({
      status: 409,
      body: { error: 'Stale lease number 2 for task lease; 3 has been seen.', outcome: 'not_executed' },
    });
    expect((await call('a', 1)).body.idempotent_replay).toBe(true);
  });
});

describe('the emergency stop', () => {
  it('kills what runs, refuses until resume, and outlives a restart', async () => {
    const log = join(root, 'stop.log');
    const working_dir = slowTest('stop', { log });
    const running = act(
      'run_tests',
      { working_dir, runner: 'node' },
      { task_id: 'stop', idempotency_key: 'k' },
    );
    await untilRan(log);
    const asked = performance.now();
    expect((await post('/emergency-stop', {})).body).toEqual({ status: 'emergency_stop_sent' });
    expect((await running).body.result.returncode).toBe(-1);
    expect(performance.now() - asked).toBeLessThan(1_000);
    const refusal = 'Emergency stop is active — all execution suspended.';
    expect((await act('list_directory', { directory: root })).body.error).toBe(refusal);
    const other = await start();
    expect(
      (await post('/action', { action: 'list_directory', params: { directory: root } }, other)).body.error,
    ).toBe(refusal);
    await other.close();
    expect((await post('/resume', {})).body).toEqual({ status: 'resume_sent' });
    expect((await act('list_directory', { directory: root })).body.status).toBe('success');
  });
});

describe('a gateway that is killed in the middle of an action', () => {
  it('tells the truth about it after a restart, and runs nothing twice that counts', async () => {
    const log = join(root, 'killed.log');
    const gate = join(root, 'killed.gate');
    const working_dir = slowTest('killed', { log, gate });
    const child = spawn(process.execPath, ['bin/skynet', 'gateway'], {
      env: {
        ...process.env,
        DATABASE_URL: database.url,
        SKYNET_HTTP_PORT: '0',
        SKYNET_ALLOWED_ROOTS: root,
        SKYNET_LOG_LEVEL: 'silent',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const url = await eventually('it listens', () =>
      Promise.resolve(/OpenClaw gateway: (\S+)/.exec(said)?.[1]),
    );
    const key = { task_id: 'killed', idempotency_key: 'k' };
    const body = JSON.stringify({ action: 'run_tests', params: { working_dir, runner: 'node' }, ...key });
    const lost = fetch(`${url}/action`, { method: 'POST', body }).catch(() => 'lost');
    await untilRan(log);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    expect(await lost).toBe('lost');
    // The first look finds it running; it counts as dead when it has not said for ten seconds that it lives.
    const answer = await post('/action', body);
    expect(answer.body).toMatchObject({
      status: 'error',
      error: 'The gateway stopped while this action ran; whether it took effect is unknown.',
    });
    expect((await post('/action', body)).body.idempotent_replay).toBe(true);
    expect(ran(log)).toBe(1);
    // What the dead gateway had started is nobody's child now; it ends by itself.
    writeFileSync(gate, '');
  }, 40_000);
});
