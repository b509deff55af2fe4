import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { ScriptableGateway } from '../support/scriptable-gateway.js';
import { FakeOpenClaw } from './fake-openclaw.js';
import { ended, events, gate, register, startPlane, taskOf, turn } from './fixture.js';

let claw: FakeOpenClaw;
let api: TestControlPlane;
beforeEach(async () => {
  claw = await FakeOpenClaw.start();
  api = await startPlane();
});
afterEach(async () => {
  await api.close();
  await claw.kill();
});

const turnsLeft = async () => (await api.query('select * from openclaw_turns')).length;

describe('a turn', () => {
  it('is run once, and its text is the result of the task', async () => {
    expect(await register(api, claw)).toMatchObject({
      ...{ status: 'online', protocol: 'openclaw', capabilities: ['openclaw.agent', 'openclaw.tool'] },
    });
    await turn(api, 't', { timeout_seconds: 60, model: 'stub/stub-1' });
    const task = await ended(api, 't');
    expect(task).toMatchObject({ status: 'succeeded', error: '', dispatch_gateway_id: null });
    expect(task.result).toMatchObject({
      ...{ status: 'ok', text: 'echo: do t', agent: 'main', session_key: 'agent:main:skynet-t' },
    });
    expect(claw.modelCalls).toEqual(['do t']);
    const [sent] = claw.requests.filter(({ method }) => method === 'agent');
    expect(sent?.params).toMatchObject({
      ...{ message: 'do t', agentId: 'main', sessionKey: 'agent:main:skynet-t', timeout: 60 },
      idempotencyKey: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    const [created] = claw.requests.filter(({ method }) => method === 'sessions.create');
    expect(created?.params).toMatchObject({ permissionMode: 'guarded', model: 'stub/stub-1' });
    expect((await events(api, 't')).filter(({ event_type }) => event_type === 'succeeded')).toHaveLength(1);
    await eventually('nothing is left of it', async () => ((await turnsLeft()) === 0 ? true : undefined));
  });

  it.each([
    [{ message: '' }, 'params.message must be a text'],
    [{ agent: '../x' }, 'params.agent must be the id of an agent'],
    [{ permission_mode: 'ful' }, 'params.permission_mode must be one of read-only, guarded, full'],
    [{ permission_mode: 'full' }, 'permission_mode full is not allowed here'],
    [{ timeout: 5 }, 'params.timeout is not known'],
    [{ timeout_seconds: 0 }, 'params.timeout_seconds must be a whole number'],
    [{ session_key: 'agent:other:x' }, 'params.session_key must be a name'],
    [{ agent: 'nobody' }, 'INVALID_REQUEST: unknown agent id "nobody"'],
  ])('with params %j is refused', async (params, error) => {
    await register(api, claw);
    await turn(api, 't', params);
    const task = await ended(api, 't');
    expect(task.status).toBe('failed');
    expect(task.error).toContain(error);
    expect(claw.modelCalls).toEqual([]);
    await eventually('nothing is left of it', async () => ((await turnsLeft()) === 0 ? true : undefined));
  });

  it('that the model fails is a failure of the task, and none of the gateway', async () => {
    await register(api, claw);
    claw.model = () => Promise.reject(new Error('401 authentication_error'));
    await turn(api, 't');
    expect(await ended(api, 't')).toMatchObject({ status: 'failed', error: '401 authentication_error' });
    expect((await api.fetch('/v1/system-state')).body.gateways[0].status).toBe('online');
  });

  it('ends at its limit', async () => {
    await register(api, claw);
    claw.model = () => new Promise<string>(() => undefined);
    await turn(api, 't', { timeout_seconds: 1 });
    expect(await ended(api, 't')).toMatchObject({
      ...{ status: 'failed', error: 'The turn was ended at its limit of 1 s.' },
    });
  });

  it('rests and tries again when the gateway cannot take it now', async () => {
    await register(api, claw);
    let refusals = 0;
    claw.intercept = (method) =>
      method === 'agent' && refusals++ === 0
        ? FakeOpenClaw.refusal('UNAVAILABLE', 'draining', { retryable: true, retryAfterMs: 1 })
        : null;
    await turn(api, 't');
    await eventually('it is released', async () =>
      (await taskOf(api, 't')).status === 'released' ? true : undefined,
    );
    await api.query(`update tasks set next_attempt_at = now() where id = 't'`);
    expect((await ended(api, 't')).status).toBe('succeeded');
    expect(claw.modelCalls).toHaveLength(1);
  });

  it('says nothing of the text: commands and directives reach the model as they are', async () => {
    await register(api, claw);
    const message = '/status\n/exec security=full\nthen say hi';
    await turn(api, 't', { message });
    expect((await ended(api, 't')).result.text).toBe(`echo: ${message}`);
    expect(claw.modelCalls).toEqual([message]);
    expect(claw.count('chat.send')).toBe(0);
  });
});

describe('routing', () => {
  it('sends turns to OpenClaw gateways only, and other actions never', async () => {
    const plain = await ScriptableGateway.start();
    try {
      await register(api, claw);
      await api.post('/v1/tasks/enqueue', { task_id: 'plain', action: 'git_status' });
      await turn(api, 'turn');
      expect((await ended(api, 'turn')).status).toBe('succeeded');
      expect(await taskOf(api, 'plain')).toMatchObject({ status: 'queued', attempts: 0 });
      await api.post('/v1/register-gateway', { gateway_id: 'plain', host: plain.url });
      expect((await ended(api, 'plain')).status).toBe('succeeded');
      await turn(api, 'another');
      await ended(api, 'another');
      expect(plain.seen.map(({ task_id }) => task_id)).toEqual(['plain']);
    } finally {
      await plain.close();
    }
  });

  it('answers what is asked of it alone with that it is not supported', async () => {
    await register(api, claw);
    const task = { task_id: 't', action: 'execute_command', gateway_id: 'claw', gateway_strict: true };
    await api.post('/v1/tasks/enqueue', task);
    expect(await ended(api, 't')).toMatchObject({
      ...{ status: 'failed', attempts: 1 },
      error:
        'Action execute_command is not supported by an OpenClaw gateway; it serves openclaw.agent, openclaw.tool.',
    });
    const { status, body } = await api.post('/v1/route-task', { action: 'git_status' });
    expect([status, body.detail]).toEqual([503, 'No healthy gateway available']);
    expect(claw.modelCalls).toEqual([]);
  });

  it('says why a turn waits when nobody can run it', async () => {
    const { body } = await api.post('/v1/tasks/enqueue', {
      action: 'openclaw.agent',
      params: { message: 'x' },
    });
    expect(body.warnings[0]).toContain('No worker or gateway is registered');
    expect(body.task.required_capabilities).toEqual(['openclaw.agent']);
  });

  it('runs a direct call, and the same call again is the same turn', async () => {
    await register(api, claw);
    const call = { action: 'openclaw.agent', params: { message: 'now' }, confirmed: false };
    const first = await api.post('/v1/route-task', call, { 'x-idempotency-key': 'k' });
    const second = await api.post('/v1/route-task', call, { 'x-idempotency-key': 'k' });
    expect(first.body).toMatchObject({ gateway_id: 'claw', status: 'ok', result: { text: 'echo: now' } });
    expect(second.body).toEqual(first.body);
    expect(claw.modelCalls).toEqual(['now']);
    const [created] = claw.requests.filter(({ method }) => method === 'sessions.create');
    expect(created?.params['permissionMode']).toBe('read-only');
  });
});

describe('a tool', () => {
  const call = (id: string, params: object, more: object = {}) =>
    api.post('/v1/tasks/enqueue', { task_id: id, action: 'openclaw.tool', params, ...more });

  it('is called over HTTP, and its answer is the result', async () => {
    await register(api, claw);
    claw.tool = () => [200, { ok: true, result: { content: [{ type: 'text', text: '5 sessions' }] } }];
    await call('t', { tool: 'sessions_list', args: { limit: 5 }, session_key: 'main' });
    expect(await ended(api, 't')).toMatchObject({
      ...{ status: 'succeeded', result: { status: 'ok', result: { content: [{ text: '5 sessions' }] } } },
    });
    expect(claw.toolCalls).toEqual([{ tool: 'sessions_list', args: { limit: 5 }, sessionKey: 'main' }]);
  });

  it('that is hidden or refused fails the task', async () => {
    await register(api, claw);
    claw.tool = () => [404, { ok: false, error: { type: 'not_found', message: 'Tool not available: exec' } }];
    await call('t', { tool: 'exec' });
    expect(await ended(api, 't')).toMatchObject({ status: 'failed', error: 'Tool not available: exec' });
  });

  it('whose answer was lost is not called again', async () => {
    await register(api, claw);
    claw.tool = () => [0, null];
    await call('t', { tool: 'message' });
    const task = await ended(api, 't');
    expect(task.status).toBe('failed');
    expect(task.error).toContain('It is not known whether message was called');
    expect(claw.toolCalls).toHaveLength(1);
  });

  it('waits where the gateway has no time for it', async () => {
    await register(api, claw);
    const error = { type: 'service_unavailable', code: 'gateway_unavailable', message: 'suspended' };
    claw.tool = () => [503, { error }];
    await call('t', { tool: 'message' });
    await eventually('it is released', async () =>
      (await taskOf(api, 't')).status === 'released' ? true : undefined,
    );
    claw.tool = () => [200, { ok: true, result: 1 }];
    await api.query(`update tasks set next_attempt_at = now() where id = 't'`);
    expect((await ended(api, 't')).status).toBe('succeeded');
  });
});

describe('a turn that is cancelled', () => {
  it('is aborted at the gateway', async () => {
    await register(api, claw);
    const { opened, open } = gate();
    let aborted = '';
    claw.model = ({ signal }) => {
      signal.addEventListener('abort', () => {
        aborted = String(signal.reason);
        open();
      });
      return new Promise<string>(() => undefined);
    };
    await turn(api, 't');
    await claw.until(({ modelCalls }) => modelCalls.length === 1);
    expect((await api.post('/v1/tasks/t/cancel', { reason: 'enough' })).status).toBe(200);
    await opened;
    expect(aborted).toBe('rpc');
    expect(await taskOf(api, 't')).toMatchObject({ status: 'failed', error: 'enough' });
    await eventually('nothing is left of it', async () => ((await turnsLeft()) === 0 ? true : undefined));
  });
});
