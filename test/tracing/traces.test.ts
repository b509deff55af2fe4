import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { agentConfig, startAgent } from '../../src/agent/index.js';
import { Env } from '../../src/platform/config/env.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { GatewayFixture } from '../gateway/fixture.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { ScriptableGateway } from '../support/scriptable-gateway.js';
import { type CollectedSpan, StubCollector } from './collector.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const HEADERS = { traceparent: `00-${TRACE}-${CALLER}-01`, tracestate: 'caller=1' };
const SCHEDULING = {
  SKYNET_CONTROL_SCHEDULER_ENABLED: '1',
  SKYNET_CONTROL_SCHEDULER_POLL_SECS: '0.2',
  SKYNET_GATEWAY_PROBE_SECS: '0.2',
};
const [INTERNAL, SERVER, CLIENT] = [1, 2, 3];

const spanIdIn = (traceparent: string) => traceparent.split('-')[2] ?? '';

function ended(api: TestControlPlane, id: string): Promise<Json> {
  return eventually(`${id} has ended`, async () => {
    const { body } = await api.fetch(`/v1/tasks/${id}`);
    return ['succeeded', 'failed'].includes(body.status) ? body : undefined;
  });
}

// First: what an exporter still tries after its close has ended when the other tests have.
describe('with a collector that is of no use', () => {
  it.each(['hangs', 'is down'])('one that %s slows nothing', async (how) => {
    const collector = await StubCollector.start();
    collector.hangs = how === 'hangs';
    if (how === 'is down') await collector.close();
    const api = await startTestControlPlane({ env: collector.env });
    const tasks = Array.from({ length: 200 }, () => ({ action: 'git_status', delivery: 'pull' }));
    const began = performance.now();
    await api.post('/v1/tasks/batch', { tasks });
    // Each claimed task is a span.
    const { body } = await api.post('/v1/tasks/claim', { worker_id: 'w', max: 100, start: true });
    expect(body.tasks).toHaveLength(100);
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => api.post('/v1/tasks/enqueue', tasks[0])),
    );
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    // One request of the exporter alone may take longer than all of these.
    expect(performance.now() - began).toBeLessThan(5_000);
    const closing = performance.now();
    await api.close();
    expect(performance.now() - closing).toBeLessThan(5_000);
    await collector.close();
  });
});

describe('with a collector', () => {
  let collector: StubCollector;
  let gateways: GatewayFixture;
  let api: TestControlPlane;

  beforeAll(async () => {
    gateways = await GatewayFixture.create();
  });
  afterAll(() => gateways.close());
  beforeEach(async () => {
    collector = await StubCollector.start();
    api = await startTestControlPlane({ env: { ...SCHEDULING, ...collector.env } });
  });
  afterEach(async () => {
    await api.close();
    await collector.close();
  });

  const only = (name: string, service?: string): CollectedSpan => {
    const [span, ...others] = collector.named(name, service);
    if (span === undefined || others.length > 0) {
      const names = collector.spans.map((one) => `${one.service} ${one.name}`).join(', ');
      throw new Error(`There are ${others.length + (span ? 1 : 0)} spans ${name} among ${names}.`);
    }
    return span;
  };

  /** Enqueues an action whose child prints its place in the trace, and returns what it printed. */
  async function runPrinter(name: string): Promise<string> {
    const folder = gateways.path(name);
    mkdirSync(folder);
    const print = 'console.log(`at ${process.env.TRACEPARENT} ${process.env.TRACESTATE}`);';
    writeFileSync(join(folder, 'print.test.mjs'), print);
    const task = { task_id: name, action: 'run_tests', params: { working_dir: folder, runner: 'node' } };
    expect((await api.post('/v1/tasks/enqueue', task, HEADERS)).status).toBe(200);
    const { result, status, error } = await ended(api, name);
    expect([status, error]).toEqual(['succeeded', '']);
    const [, printed = ''] = /at (\S+ \S+)/.exec(result.result.stdout) ?? [];
    return printed;
  }

  it('has one trace from the enqueue over a gateway to the child and back', async () => {
    const gateway = await gateways.start({ env: collector.env });
    await api.post('/v1/register-gateway', { gateway_id: 'g', host: gateway.url });
    const printed = await runPrinter('printed');
    await Promise.all([gateway.close(), api.close()]);

    const enqueue = only('POST /v1/tasks/enqueue');
    const claim = only('claim');
    const dispatch = only('dispatch');
    const request = only('POST /action', 'skynet-gateway');
    const action = only('action', 'skynet-gateway');
    const complete = only('complete');
    const all = [enqueue, claim, dispatch, request, action, complete];
    expect(all.map(({ traceId }) => traceId)).toEqual(all.map(() => TRACE));
    expect(all.map(({ parentSpanId }) => parentSpanId)).toEqual([
      ...[CALLER, enqueue.spanId, claim.spanId, dispatch.spanId, request.spanId, claim.spanId],
    ]);
    expect(all.map(({ kind }) => kind)).toEqual([SERVER, INTERNAL, CLIENT, SERVER, INTERNAL, INTERNAL]);
    expect(printed).toBe(`00-${TRACE}-${action.spanId}-01 caller=1`);

    expect(enqueue.attributes).toMatchObject({
      ...{ 'http.request.method': 'POST', 'http.route': '/v1/tasks/enqueue' },
      ...{ 'http.response.status_code': 200, 'skynet.task.id': 'printed' },
    });
    expect(dispatch.attributes).toMatchObject({
      ...{ 'skynet.gateway.id': 'g', 'skynet.lease.number': 1, 'skynet.dispatch.outcome': 'succeeded' },
    });
    expect(request.attributes).toMatchObject({ 'http.route': '/action', 'http.response.status_code': 200 });
    expect(action.attributes).toMatchObject({ 'skynet.executor': 'local', 'process.exit.code': 0 });
    expect(collector.headers[0]).toMatchObject({ 'x-collector-key': 'k ey' });
  });

  it('has the agent of a gateway in it', async () => {
    const agents = { SKYNET_AUTH_TOKEN: 'agents', SKYNET_WS_HOST: '127.0.0.1', SKYNET_WS_PORT: '0' };
    const gateway = await gateways.start({ env: { ...collector.env, ...agents } });
    const state = mkdtempSync(join(tmpdir(), 'skynet-agent-state-'));
    const settings = {
      ...{ ...agents, ...collector.env, SKYNET_GATEWAY_URL: `${gateway.agentsUrl ?? ''}/agent/ws` },
      ...{ SKYNET_ALLOWED_ROOTS: gateways.root, SKYNET_AGENT_STATE_DIR: state },
    };
    const agent = await startAgent({
      config: agentConfig(new Env(settings)),
      logger: createLogger('test', 'silent'),
      say: () => undefined,
      env: process.env,
      terminal: undefined,
    });
    await eventually('the agent is connected', async () => {
      const { sessions } = (await (await fetch(`${gateway.url}/sessions`)).json()) as Json;
      return sessions.find((session: Json) => session.session_id !== 'local');
    });
    await api.post('/v1/register-gateway', { gateway_id: 'g', host: gateway.url });
    const printed = await runPrinter('by-agent');
    await agent.close();
    rmSync(state, { recursive: true, force: true });
    await Promise.all([gateway.close(), api.close()]);

    const asked = only('action', 'skynet-gateway');
    const carriedOut = only('action', 'skynet-agent');
    expect(asked.attributes).toMatchObject({ 'skynet.executor': 'agent' });
    expect(carriedOut).toMatchObject({ traceId: TRACE, parentSpanId: asked.spanId });
    expect(printed).toBe(`00-${TRACE}-${carriedOut.spanId}-01 caller=1`);
  });

  it('goes on with the worker that was told where it stands', async () => {
    const tasks = [{ task_id: 'a', action: 'git_status', delivery: 'pull' }];
    await api.post('/v1/tasks/batch', { tasks }, HEADERS);
    const claimed = await api.post('/v1/tasks/claim', { worker_id: 'w', start: true });
    const { claim_token, traceparent, tracestate } = claimed.body.task;
    const proof = { worker_id: 'w', claim_token };
    const report = { ...proof, success: true, result: {} };
    await api.post('/v1/tasks/a/complete', report, { traceparent, tracestate });
    await api.post('/v1/tasks/a/complete', report, {});
    await api.close();

    const claim = only('claim');
    expect(claim).toMatchObject({ traceId: TRACE, parentSpanId: only('POST /v1/tasks/batch').spanId });
    expect(claim.links).toEqual([only('POST /v1/tasks/claim').spanId]);
    expect([spanIdIn(traceparent), tracestate]).toEqual([claim.spanId, 'caller=1']);
    const [ofTrace, alone] = collector.named('POST /v1/tasks/:id/complete');
    expect(ofTrace).toMatchObject({ traceId: TRACE, parentSpanId: claim.spanId, status: 0 });
    expect(alone).toMatchObject({ parentSpanId: '', attributes: { 'http.response.status_code': 409 } });
    expect(alone?.traceId).not.toBe(TRACE);
  });

  it('has no ids in the names of spans', async () => {
    for (const path of ['/v1/tasks/no-such-task', '/v1/nowhere', '/v1/events?task_id=x'])
      await api.fetch(path);
    await api.close();
    expect(new Set(collector.spans.map(({ name }) => name))).toEqual(
      new Set(['GET /v1/tasks/:id', 'GET /v1/events']),
    );
  });
});

describe('without a collector', () => {
  it('passes traces on as they came, to workers and to gateways', async () => {
    const gateway = await ScriptableGateway.start();
    const api = await startTestControlPlane({ env: SCHEDULING });
    try {
      const send = (task_id: string, more: object, headers: Record<string, string>) =>
        api.post('/v1/tasks/enqueue', { task_id, action: 'git_status', ...more }, headers);
      const claim = async () => (await api.post('/v1/tasks/claim', { worker_id: 'w' })).body.task;
      await send('a', { delivery: 'pull' }, HEADERS);
      expect(await claim()).toMatchObject({ id: 'a', ...HEADERS });
      for (const headers of [{}, { traceparent: 'nonsense', tracestate: 'caller=1' }]) {
        await send(`b${Object.keys(headers).length}`, { delivery: 'pull' }, headers);
        const task = await claim();
        expect('traceparent' in task || 'tracestate' in task).toBe(false);
      }
      await api.post('/v1/register-gateway', { gateway_id: 'g', host: gateway.url });
      await send('c', { delivery: 'push' }, HEADERS);
      await ended(api, 'c');
      expect(gateway.seen[0]).toMatchObject(HEADERS);
      expect(gateway.requests.find(({ path }) => path === '/action')?.headers).toMatchObject(HEADERS);
    } finally {
      await api.close();
      await gateway.close();
    }
  });
});
