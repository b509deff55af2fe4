import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { aHost, aJob, ended, useCoordinator } from './fixture.js';
import { drop, json, ScriptableCoordinator } from './scriptable-coordinator.js';

const { coordinator, skyclaw, start } = useCoordinator();

/** An address where nobody listens. */
async function nowhere(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

describe('a command line', () => {
  it.each([[], ['help'], ['-h'], ['--help']])('shows all commands on %j', async (...args) => {
    const { code, stdout, stderr } = await skyclaw(...args);
    expect([code, stderr]).toEqual([0, '']);
    for (const command of ['coordinator', 'enqueue-shell <command> [args...]', 'rollout <id|name>']) {
      expect(stdout).toContain(`  skyclaw ${command}`);
    }
  });

  it('is answered with what was meant', async () => {
    expect(await skyclaw('lsit-jobs')).toEqual({
      code: 1,
      stdout: '',
      stderr: '[skyclaw] unknown command: lsit-jobs\nDid you mean list-jobs?\n',
    });
    expect((await skyclaw('dance')).stderr).toBe('[skyclaw] unknown command: dance\n');
    expect((await skyclaw('constructor')).stderr).toBe('[skyclaw] unknown command: constructor\n');
  });

  it('shows usage and an example of each command with --help, and in the manual', async () => {
    const manual = readFileSync('docs/skyclaw-cli.md', 'utf8');
    const { stdout } = await skyclaw('help');
    const names = [...stdout.matchAll(/^ {2}skyclaw ([a-z-]+)/gm)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(18);
    for (const name of names.filter((each) => each !== 'help')) {
      expect(manual).toContain(`\nskyclaw ${name}`);
      const help = await skyclaw(name, '--help');
      expect([help.code, help.stderr]).toEqual([0, '']);
      expect(help.stdout).toContain(`Usage: skyclaw ${name}`);
      expect(help.stdout).toMatch(new RegExp(`Examples?:\n {2}skyclaw ${name}`));
    }
  });

  it('is refused when it says too little or too much', async () => {
    expect((await skyclaw('get-job')).stderr).toBe("[skyclaw] missing required argument 'id'\n");
    expect((await skyclaw('get-job', 'a', 'b')).stderr).toBe(
      "[skyclaw] too many arguments for 'get-job'. Expected 1 argument but got 2.\n",
    );
  });
});

describe('a token', () => {
  it('is sent with every call', async () => {
    coordinator().token = 'tok';
    coordinator().on('GET /v1/jobs', json({ jobs: [] }));
    expect((await ended(start(['list-jobs'], { SKYCLAW_TOKEN: 'tok' }))).code).toBe(0);
  });

  it('that is missing or wrong is told, and never shown', async () => {
    coordinator().token = 'tok';
    expect(await skyclaw('list-jobs')).toEqual({
      code: 1,
      stdout: '',
      stderr: `[skyclaw] ${coordinator().url} answers 401 unauthorized: SKYCLAW_TOKEN is missing; set it to the token of the coordinator.\n`,
    });
    const { stderr } = await ended(start(['list-jobs'], { SKYCLAW_TOKEN: 'hunter2', SKYCLAW_TOKE: 'tok' }));
    expect(stderr).toBe(
      `[skyclaw] ${coordinator().url} answers 401 unauthorized: SKYCLAW_TOKEN is wrong; set it to the token of the coordinator.
SKYCLAW_TOKE is not a setting of this program. Did you mean SKYCLAW_TOKEN?
`,
    );
  });

  it('goes with the key of an operator, which an order to a host may want', async () => {
    const order = 'POST /v1/hosts/h/cordon';
    coordinator().on(order, json({ error: 'unauthorized' }, 401));
    const { code, stderr } = await ended(start(['cordon-host', 'h'], { SKYCLAW_TOKEN: 'tok' }));
    expect([code, stderr]).toEqual([
      1,
      `[skyclaw] ${coordinator().url} answers 401 unauthorized: this is an order of an operator; set SKYNET_API_KEY to the key of the control plane, or SKYCLAW_TOKEN to its token where there is no key.\n`,
    ]);
    coordinator().on(order, json({ host: aHost() }));
    await ended(start(['cordon-host', 'h'], { SKYCLAW_TOKEN: 'tok', SKYNET_API_KEY: 'key' }));
    expect(coordinator().calls(order).at(-1)?.headers).toMatchObject({
      'x-skyclaw-token': 'tok',
      'x-api-key': 'key',
    });
  });

  it('is not carried to another address by a redirect', async () => {
    const other = await ScriptableCoordinator.start();
    try {
      coordinator().on('GET /v1/jobs', json('', 307, { location: `${other.url}/v1/jobs` }));
      const { code, stderr } = await ended(start(['list-jobs'], { SKYCLAW_TOKEN: 'tok' }));
      expect([code, stderr]).toEqual([
        1,
        `[skyclaw] ${coordinator().url} redirects to ${other.url}/v1/jobs. Give the address of the API itself.\n`,
      ]);
      expect(other.seen).toEqual([]);
    } finally {
      await other.close();
    }
  });
});

describe('a coordinator that does not answer', () => {
  it('is told with its address and what to check', async () => {
    const url = await nowhere();
    expect(await ended(start(['enqueue-shell', 'ls'], { SKYCLAW_COORDINATOR_URL: url }))).toEqual({
      code: 1,
      stdout: '',
      stderr: `[skyclaw] The coordinator cannot be reached at ${url} (connection refused). Check that it runs there (skyclaw coordinator), or set SKYCLAW_COORDINATOR_URL to where it does.\n`,
    });
  });

  it('is passed over for the next one', async () => {
    coordinator().on('POST /v1/jobs', json({ job: aJob() }));
    const urls = `${await nowhere()}, ${coordinator().url}/`;
    const env = { SKYCLAW_COORDINATOR_URLS: urls, SKYCLAW_COORDINATOR_URL: 'http://ignored.invalid' };
    expect(await ended(start(['enqueue-shell', 'ls'], env))).toEqual({
      code: 0,
      stdout: 'job_1\n',
      stderr: '',
    });
  });

  it('cannot cause a second job: what is sent again has the same key', async () => {
    const other = await ScriptableCoordinator.start();
    try {
      other.on('POST /v1/jobs', json({ error: 'restarting' }, 503));
      coordinator().on('POST /v1/jobs', drop, json({ job: aJob() }));
      const env = { SKYCLAW_COORDINATOR_URLS: `${coordinator().url},${other.url}` };
      expect((await ended(start(['enqueue-shell', 'ls'], env))).stdout).toBe('job_1\n');
      const keys = [...coordinator().seen, ...other.seen].map(({ headers }) => headers['x-idempotency-key']);
      expect(keys).toHaveLength(3);
      expect(new Set(keys).size).toBe(1);
    } finally {
      await other.close();
    }
  });

  it('is asked once more when it cannot serve for a moment', async () => {
    coordinator().on('POST /v1/jobs', json({ error: 'draining' }, 503), json({ job: aJob() }));
    expect(await skyclaw('enqueue-shell', 'ls')).toEqual({ code: 0, stdout: 'job_1\n', stderr: '' });
  });

  it('does not hide that a commit may still come', async () => {
    const error = 'replication target not met: required 1 peer acks, got 0';
    coordinator().on('POST /v1/jobs', json({ error }, 503));
    expect((await skyclaw('enqueue-shell', 'ls')).stderr).toBe(
      `[skyclaw] ${coordinator().url} answers 503: ${error}. The request may have been carried out all the same.\n`,
    );
    const keys = coordinator().seen.map(({ headers }) => headers['x-idempotency-key']);
    expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
  });

  it('leaves open what became of a change, and says so', async () => {
    coordinator().on('POST /v1/jobs/job_1/cancel', drop);
    const { code, stderr } = await skyclaw('cancel-job', 'job_1');
    expect(code).toBe(1);
    expect(stderr).toContain('The request may have been carried out all the same.');
    expect(coordinator().seen).toHaveLength(2);
  });

  it('is told with all addresses when there are several', async () => {
    coordinator().on('GET /v1/jobs', json({ error: 'no database' }, 503));
    const url = await nowhere();
    const { stderr } = await ended(
      start(['list-jobs'], { SKYCLAW_COORDINATOR_URLS: `${url},${coordinator().url}` }),
    );
    expect(stderr).toContain(
      `No coordinator can be reached: ${url} (connection refused), ${coordinator().url} (answers 503: no database).`,
    );
    expect(stderr).toContain('SKYCLAW_COORDINATOR_URLS');
  });
});

describe('a refusal', () => {
  const refusal = async (...reply: Parameters<typeof json>) => {
    coordinator().on('GET /v1/jobs', json(...reply));
    const { code, stdout, stderr } = await skyclaw('list-jobs');
    expect([code, stdout]).toEqual([1, '']);
    return stderr.replace(coordinator().url, 'URL');
  };

  it.each([
    ['of the original', { error: 'payload is required' }, 400, 'payload is required'],
    [
      'as a problem document',
      { type: 'urn:x', title: 'Conflict', detail: 'The job has ended.', error: 'job has ended' },
      409,
      'job has ended',
    ],
    [
      'without an error member',
      { title: 'Conflict', detail: 'The job has ended.' },
      409,
      'The job has ended.',
    ],
    ['with fields', { errors: [{ pointer: '/ttlMs', detail: 'too small' }] }, 422, '/ttlMs: too small'],
    ['with fields of SKYNET', { detail: [{ loc: ['body', 'a'], msg: 'missing' }] }, 422, 'a: missing'],
    ['without JSON', 'no way', 403, 'no way'],
    ['without a body', '', 403, 'URL answers 403.'],
    ['of one coordinator alone', { error: 'no database' }, 503, 'URL answers 503: no database'],
    ['that is a mistake of the server', { error: 'internal error' }, 500, 'URL answers 500: internal error'],
  ])('%s is told in its own words', async (_what, body, status, text) => {
    expect(await refusal(body, status)).toBe(`[skyclaw] ${text}\n`);
  });

  it('for a while says how long', async () => {
    expect(await refusal({ error: 'slow down' }, 429, { 'retry-after': '7' })).toBe(
      '[skyclaw] slow down Try again in 7 s.\n',
    );
  });

  it('is also an answer that is none', async () => {
    expect(await refusal('<html>', 200)).toBe('[skyclaw] URL answers no JSON. Is it the coordinator?\n');
  });
});

describe('an address', () => {
  it.each([
    ['hunter2', 'SKYCLAW_COORDINATOR_URL should be a URL such as http://127.0.0.1:8787.'],
    ['ftp://x', 'SKYCLAW_COORDINATOR_URL should begin with http:// or https://.'],
    ['http://u:hunter2@x', 'SKYCLAW_COORDINATOR_URL must not contain a user or a password.'],
  ])('%s is refused by the name of its setting', async (url, text) => {
    const { code, stderr } = await ended(start(['list-jobs'], { SKYCLAW_COORDINATOR_URL: url }));
    expect([code, stderr]).toEqual([1, `[skyclaw] ${text}\n`]);
  });
});

it('ends quietly when the reader of its output has gone', async () => {
  const jobs = Array.from({ length: 1_000 }, (_, index) => aJob({ id: `job_${index}${'x'.repeat(200)}` }));
  coordinator().on('GET /v1/jobs', json({ jobs }));
  const child = spawn(
    'bash',
    ['-c', '"$0" bin/skyclaw list-jobs --json | head -1; echo "${PIPESTATUS[0]}"', process.execPath],
    {
      env: { PATH: process.env['PATH'], SKYCLAW_COORDINATOR_URL: coordinator().url },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += String(chunk)));
  child.stderr.on('data', (chunk: Buffer) => (said += String(chunk)));
  await once(child, 'close');
  expect(said).toBe('{\n141\n');
});
