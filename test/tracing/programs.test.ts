import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { Program } from '../support/program.js';
import { StubCollector } from './collector.js';

/**
 * At its end a program prints how many files of OpenTelemetry it has loaded. They are CommonJS, so all stand in its cache.
 * Its `api` does not count: prom-client loads that, for something we do not use.
 */
const TELL_MODULES = `data:text/javascript,${encodeURIComponent(`
  import { createRequire } from 'node:module';
  const { cache } = createRequire('/');
  process.on('exit', () => {
    const loaded = Object.keys(cache).filter((file) => /@opentelemetry.(?!api.)/.test(file));
    process.stdout.write('Loaded: ' + loaded.length + '\\n');
  });
`)}`;
const NODE_OPTIONS = `--import=${TELL_MODULES}`;

const SECRETS = {
  SKYNET_API_KEY: 'secret-of-the-api',
  SKYNET_GATEWAY_TOKEN: 'secret-of-the-gateway',
  SKYCLAW_TOKEN: 'secret-of-skyclaw',
  SKYNET_SECRETS_KEY: 'c2VjcmV0LXRoYXQtc2VhbHMtdGhlLW90aGVycy4uLi4=',
  OPENAI_API_KEY: 'secret-of-openai',
  SKYNET_AUTH_TOKEN: 'secret-of-agents',
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret-of-the-collector',
};
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACED = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };

/** What work leaves behind in the logs of a control plane without tracing, and of a gateway whose collector refuses. */
describe('real programs that log everything', () => {
  let databases: TestDatabase[];
  let root: string;
  let collector: StubCollector;
  let controlPlane: Program;
  let gateway: Program;
  let loaded: { readonly controlPlane: string; readonly gateway: string };
  /** Tokens that were handed out on the way. */
  const tokens = new Set<string>();

  beforeAll(async () => {
    collector = await StubCollector.start();
    collector.status = 403;
    databases = [await createTestDatabase(), await createTestDatabase()];
    const [ledger, executions] = databases.map(({ url }) => url) as [string, string];
    root = realpathSync(mkdtempSync(join(tmpdir(), 'skynet-logs-')));
    const usual = { ...SECRETS, NODE_OPTIONS, SKYNET_LOG_LEVEL: 'debug' };
    gateway = Program.start('skynet', ['gateway'], {
      ...{ ...usual, DATABASE_URL: executions, SKYNET_HTTP_PORT: '0', SKYNET_ALLOWED_ROOTS: root },
      ...{ SKYNET_WS_HOST: '127.0.0.1', SKYNET_WS_PORT: '0' },
      ...{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    });
    controlPlane = Program.start('skynet', ['serve'], {
      ...{ ...usual, DATABASE_URL: ledger, SKYNET_PORT: '0', SKYNET_HOST: '127.0.0.1' },
      ...{ SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '0', SKYNET_STALE_LOCK_REAPER_POLL_SECS: '0.2' },
    });
    const host = await gateway.line(/OpenClaw gateway: (\S+)/, 60_000);
    const url = await controlPlane.line(/control plane: (\S+)/, 60_000);
    await work(url, host);
    await collectTokens(ledger);
    for (const program of [controlPlane, gateway]) expect(await program.kill('SIGTERM')).toBe(0);
    loaded = {
      controlPlane: await printed(controlPlane),
      gateway: await printed(gateway),
    };
  }, 120_000);

  afterAll(async () => {
    await Promise.all([controlPlane, gateway].map((program) => program.kill('SIGKILL')));
    for (const database of databases) await database.drop();
    await collector.close();
    rmSync(root, { recursive: true, force: true });
  });

  const printed = (program: Program): Promise<string> =>
    eventually('the modules are told', () => Promise.resolve(/Loaded: (\d+)/.exec(program.stdout)?.[1]));

  /** One task over the gateway, one by a worker, one whose lease runs out, and what callers do wrong. */
  async function work(url: string, host: string): Promise<void> {
    const call = async (method: string, path: string, body?: object, headers = {}): Promise<Json> => {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...{ 'content-type': 'application/json', 'x-api-key': SECRETS.SKYNET_API_KEY },
          ...{ 'x-request-id': 'the-request', ...headers },
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return response.json() as Promise<Json>;
    };
    const ended = (id: string) =>
      eventually(`${id} has ended`, async () => {
        const { status } = await call('GET', `/v1/tasks/${id}`);
        return /^(succeeded|failed)/.test(status) ? status : undefined;
      });
    mkdirSync(join(root, 'a'));
    writeFileSync(join(root, 'a', 'x.txt'), 'x');
    await call('POST', '/v1/register-gateway', { gateway_id: 'g', host });
    const read = { action: 'file_read', params: { file: join(root, 'a', 'x.txt') } };
    await call('POST', '/v1/tasks/enqueue', { task_id: 'pushed', delivery: 'push', ...read }, TRACED);
    expect(await ended('pushed')).toBe('succeeded');

    const pulled = { action: 'git_status', delivery: 'pull' };
    await call('POST', '/v1/tasks/enqueue', { task_id: 'pulled', ...pulled });
    const { task } = await call('POST', '/v1/tasks/claim', { worker_id: 'w', start: true });
    const { claim_token, run_token } = task;
    for (const token of [claim_token, run_token]) tokens.add(token);
    const byRun = { 'x-api-key': run_token };
    await call('POST', '/v1/tasks/pulled/renew', { worker_id: 'w', claim_token }, byRun);
    const report = { worker_id: 'w', claim_token, success: true, result: {} };
    await call('POST', '/v1/tasks/pulled/complete', report);
    await call('POST', '/v1/tasks/pulled/complete', report);
    await call('POST', '/v1/tasks/pulled/complete', { ...report, worker_id: 7 });
    await call('GET', '/v1/tasks', undefined, { 'x-api-key': 'a-key-that-is-none' });

    const short = { ...pulled, lease_seconds: 1, max_attempts: 1 };
    await call('POST', '/v1/tasks/enqueue', { task_id: 'expired', ...short });
    await call('POST', '/v1/tasks/claim', { worker_id: 'w' });
    await eventually('a lease has run out', () =>
      Promise.resolve(controlPlane.stderr.includes('A lease ran out.') ? true : undefined),
    );
  }

  async function collectTokens(ledger: string): Promise<void> {
    const client = new pg.Client({ connectionString: ledger });
    await client.connect();
    const { rows } = await client.query<{ token: string }>(
      'select distinct claim_token as token from events where claim_token is not null',
    );
    await client.end();
    expect(rows.length).toBeGreaterThanOrEqual(3);
    for (const { token } of rows) tokens.add(token);
  }

  const linesOf = (program: Program): Json[] =>
    program.stderr
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  const said = (program: Program, msg: string): Json[] => linesOf(program).filter((line) => line.msg === msg);

  it('writes JSON with the same fields in every line', () => {
    const [ofControlPlane, ofGateway] = [linesOf(controlPlane), linesOf(gateway)];
    for (const line of [...ofControlPlane, ...ofGateway]) {
      expect(line).toMatchObject({
        level: expect.stringMatching(/^(debug|info|warn)$/),
        msg: expect.any(String),
      });
      expect(new Date(line.time).toISOString()).toBe(line.time);
    }
    expect(new Set(ofControlPlane.map((line) => line.program))).toEqual(new Set(['control-plane']));
    expect(new Set(ofGateway.map((line) => line.program))).toEqual(new Set(['gateway']));
  });

  it('says which request, trace, replica, task and lease a line is about', () => {
    const about = { taskId: 'pushed', leaseNumber: 1, traceId: TRACE };
    const answered = said(controlPlane, 'A request was answered.');
    expect(answered).toContainEqual(
      expect.objectContaining({
        ...{ requestId: 'the-request', traceId: TRACE, replica: expect.any(String) },
        ...{ method: 'POST', route: '/v1/tasks/enqueue', status: 200 },
      }),
    );
    expect(answered).toContainEqual(
      expect.objectContaining({ taskId: 'pulled', route: '/v1/tasks/:id/complete', status: 409 }),
    );
    expect(said(controlPlane, 'A dispatch has ended.')).toEqual([
      expect.objectContaining({ ...about, gatewayId: 'g', result: 'succeeded', loop: 'dispatcher' }),
    ]);
    expect(said(gateway, 'Action executed.')).toEqual([
      expect.objectContaining({ ...about, action: 'file_read', returncode: 0 }),
    ]);
    expect(said(controlPlane, 'A lease ran out.')).toEqual([
      expect.objectContaining({ taskId: 'expired', leaseNumber: 1, holder: 'w', loop: 'reaper' }),
    ]);
  });

  it('writes down no secret', () => {
    const all = [controlPlane, gateway].map(({ stderr, stdout }) => stderr + stdout).join('\n');
    const values = Object.values(SECRETS).map((value) => value.split('authorization=').at(-1) ?? value);
    expect(tokens.size).toBeGreaterThanOrEqual(4);
    expect([...values, ...tokens, 'a-key-that-is-none'].filter((secret) => all.includes(secret))).toEqual([]);
  });

  it('loads nothing of OpenTelemetry but where spans go somewhere, and says once that they do not arrive', () => {
    expect(loaded.controlPlane).toBe('0');
    expect(Number(loaded.gateway)).toBeGreaterThan(10);
    expect(collector.headers[0]).toMatchObject({ authorization: 'secret-of-the-collector' });
    expect(said(gateway, 'Spans cannot be sent; they are left out.')).toHaveLength(1);
  });
});
