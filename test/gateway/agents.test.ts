import net from 'node:net';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { gatewayConfig, type RunningGateway } from '../../src/gateway/index.js';
import { ConfigError } from '../../src/platform/config/config-error.js';
import { Env } from '../../src/platform/config/env.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { act, GatewayFixture, post } from './fixture.js';
import { RawAgent, type RawAgentOptions } from './raw-agent.js';

const TOKEN = 'right';
const SETTINGS = {
  SKYNET_AUTH_TOKEN: TOKEN,
  SKYNET_WS_HOST: '127.0.0.1',
  SKYNET_WS_PORT: '0',
  SKYNET_ALLOWED_ROOTS: ';',
};

let fixture: GatewayFixture;
let gateway: RunningGateway;
const agents: RawAgent[] = [];

beforeAll(async () => {
  fixture = await GatewayFixture.create();
});
afterAll(() => fixture.close());
beforeEach(async () => {
  gateway = await start();
});
afterEach(async () => {
  for (const agent of agents.splice(0)) agent.terminate();
  await gateway.close();
});

/** A gateway with the clocks of a fast world. */
function start(env: Record<string, string> = {}, rivalPongWithinMs = 500): Promise<RunningGateway> {
  const { agents: base } = gatewayConfig(new Env({ ...SETTINGS, ...env }));
  if (base === undefined) throw new Error('A token makes a socket.');
  const fast = { ...base, pingEveryMs: 300, pongWithinMs: 2_000, rivalPongWithinMs, helloWithinMs: 500 };
  return fixture.start({ env: { ...SETTINGS, ...env }, config: { agents: fast } });
}

async function connect(options: RawAgentOptions = {}): Promise<RawAgent> {
  const agent = await RawAgent.connect(`${gateway.agentsUrl ?? ''}/agent/ws`, { token: TOKEN, ...options });
  agents.push(agent);
  return agent;
}

/** An agent that has the seat. */
async function seated(options: RawAgentOptions = {}): Promise<RawAgent> {
  const agent = await connect(options);
  await agent.heard('resume');
  return agent;
}

const sessions = async (): Promise<Json[]> =>
  ((await (await fetch(`${gateway.url}/sessions`)).json()) as Json).sessions;
const keyOf = (task_id: string) => ({ task_id, idempotency_key: 'k' });
const NOBODY = {
  status: 503,
  body: { error: 'No agent connected and SSH fallback is not configured.', outcome: 'not_executed' },
};

describe('who may connect', () => {
  it('is who shows the token; others are closed with 4001, and nothing of theirs is listened to', async () => {
    for (const token of ['wrong', '', 'righ', 'right ']) {
      // The last one is the right one: blanks at the end of a header are no part of it.
      const agent = await connect({ token });
      if (token.trim() === TOKEN) continue;
      expect(await agent.closed()).toEqual({ code: 4001, reason: 'Unauthorized' });
    }
    const stranger = await connect({ token: 'wrong', hello: null });
    stranger.say('x'.repeat(100_000));
    await stranger.closed();
  });

  it('is one at a time: another live one is closed with 4002', async () => {
    const first = await seated();
    const second = await connect();
    expect(await second.closed()).toEqual({ code: 4002, reason: 'Another agent is already connected' });
    expect(await sessions()).toHaveLength(1);
    first.terminate();
    await eventually('the seat is free', async () => ((await sessions()).length === 0 ? true : undefined));
    await seated();
  });

  it('is the next one when the first shows no life', async () => {
    const first = await seated({ mute: true, hello: { agent_version: 'old', capabilities: [] } });
    await seated({ hello: { agent_version: 'new', capabilities: ['file_read'] } });
    expect(await sessions()).toMatchObject([{ agent_version: 'new', capabilities: ['file_read'] }]);
    await first.closed();
  });

  it('is known by its id when it comes back before its old connection is known to be gone', async () => {
    await gateway.close();
    gateway = await start({}, 3_600_000);
    const hello = { agent_version: '1', capabilities: [], agent_id: 'me' };
    const first = await seated({ hello });
    // Half open: nothing arrives there, and nothing comes from there.
    first.socket.pause();
    await seated({ hello });
    expect(await sessions()).toHaveLength(1);
  });

  it('says who it is in time', async () => {
    const silent = await connect({ hello: null });
    expect(await silent.closed()).toEqual({ code: 1008, reason: 'No agent_hello came' });
    expect(await sessions()).toEqual([]);
  });

  it('asks by WebSocket; anything else is told so, and sockets that ask for nothing are closed', async () => {
    const { host, hostname, port } = new URL(gateway.agentsUrl ?? '');
    expect((await fetch(`http://${host}/agent/ws`)).status).toBe(426);
    const socket = net.connect(Number(port), hostname);
    socket.on('error', () => undefined).resume();
    await once(socket, 'connect');
    socket.write('nonsense\r\n\r\n');
    await once(socket, 'close');
  });
});

describe('an agent that misbehaves', () => {
  it('is ignored as far as it talks nonsense, and heard as far as it does not', async () => {
    const agent = await seated();
    for (const text of ['', 'nonsense', '[]', 'null', '7', '{"type":"dance"}', '{"type":"action_response"}'])
      agent.say(text);
    agent.socket.send(Buffer.alloc(1_000_000, 0xff));
    const asked = act(gateway, 'file_read', { file: 'x' });
    const request = await agent.request();
    expect(request).toMatchObject({
      type: 'action_request',
      request_id: expect.any(String),
      action: 'file_read',
      params: { file: 'x' },
      confirmed: true,
      timeout_ms: 120_000,
    });
    agent.say({ type: 'action_response', request_id: 'unknown', status: 'success' });
    agent.answer(request);
    expect((await asked).body.result.stdout).toBe('done');
  });

  it('that answers without sense leaves an action of which nobody can tell what became of it', async () => {
    const agent = await seated();
    const asked = act(gateway, 'git_commit', {}, keyOf('senseless'));
    const { request_id } = await agent.request();
    agent.say({ type: 'action_response', request_id, status: 'success', result: { returncode: 'x' } });
    const answer = { status: 'error', action: 'git_commit', error: 'Internal agent error.' };
    expect((await asked).body).toEqual(answer);
    expect((await act(gateway, 'git_commit', {}, keyOf('senseless'))).body).toEqual({
      ...answer,
      idempotent_replay: true,
    });
  });

  it('and sends a frame of 40 MB is cut off; one of 30 MB is taken', async () => {
    const agent = await seated();
    const asked = act(gateway, 'zip_project', {});
    const result = { returncode: 0, stdout: 'x'.repeat(30_000_000), stderr: '' };
    agent.answer(await agent.request(), { result });
    expect((await asked).body.result.stdout).toHaveLength(30_000_000);
    const lost = act(gateway, 'zip_project', {});
    await agent.request(1);
    agent.say('x'.repeat(40_000_000));
    expect(await lost).toMatchObject({ status: 503, body: { outcome: 'unknown' } });
    expect((await agent.closed()).code).toBe(1009);
  });

  it('and shows no life any more is cut off, whether it reads or not', async () => {
    const mute = await seated({ mute: true });
    const asked = act(gateway, 'git_status', {});
    await mute.request();
    expect(await asked).toMatchObject({ status: 503, body: { error: 'Agent disconnected.' } });
    const deaf = await seated();
    deaf.socket.pause();
    const large = act(gateway, 'file_write', { file: 'x', content: 'x'.repeat(7_000_000) });
    expect(await large).toEqual({
      status: 503,
      body: {
        status: 'error',
        action: 'file_write',
        error: 'Agent disconnected.',
        outcome: 'unknown',
      },
    });
    expect(await act(gateway, 'git_status', {})).toEqual(NOBODY);
  });
});

describe('what an agent answers', () => {
  it('is passed on with its status', async () => {
    const agent = await seated();
    const asked = act(gateway, 'file_write', {}, { confirmed: false });
    const request = await agent.request();
    expect(request.confirmed).toBe(false);
    agent.answer(request, { status: 'error', result: undefined, error: 'Operator denied the action.' });
    expect(await asked).toEqual({
      status: 200,
      body: { status: 'error', action: 'file_write', error: 'Operator denied the action.' },
    });
  });

  it('with not_executed leaves the key unused', async () => {
    const agent = await seated({ hello: { agent_version: '1', capabilities: [], agent_id: 'me' } });
    const asked = act(gateway, 'git_commit', {}, keyOf('leaving'));
    agent.answer(await agent.request(), {
      status: 'error',
      result: undefined,
      error: 'The agent is shutting down.',
      outcome: 'not_executed',
    });
    expect(await asked).toMatchObject({ status: 503, body: { outcome: 'not_executed' } });
    const again = act(gateway, 'git_commit', {}, keyOf('leaving'));
    const second = await agent.request(1);
    expect(second).not.toHaveProperty('recall');
    agent.answer(second);
    expect((await again).body).not.toHaveProperty('idempotent_replay');
  });

  it('too late is heard all the same: the caller gets 504, and the same key joins', async () => {
    const patient = await fixture.start({
      env: { ...SETTINGS },
      config: { answerGraceMs: -119_800 },
    });
    const agent = await RawAgent.connect(patient.agentsUrl ?? '', { token: TOKEN });
    agents.push(agent);
    await agent.heard('resume');
    const late = await act(patient, 'git_commit', {}, keyOf('late'));
    expect(late).toEqual({
      status: 504,
      body: { error: 'Agent did not respond in time.', outcome: 'unknown' },
    });
    const again = act(patient, 'git_commit', {}, keyOf('late'));
    agent.answer(await agent.request());
    expect((await again).body).toMatchObject({ status: 'success', idempotent_replay: true });
    expect(agent.frames.filter(({ type }) => type === 'action_request')).toHaveLength(1);
    await patient.close();
  });
});

describe('a key whose answer was lost', () => {
  const hello = { agent_version: '1', capabilities: [], agent_id: 'me' };
  const lose = async (task: string, more = hello as object) => {
    const agent = await seated({ hello: more });
    const lost = act(gateway, 'git_commit', {}, keyOf(task));
    await agent.request();
    agent.terminate();
    expect(await lost).toMatchObject({
      status: 503,
      body: { error: 'Agent disconnected.', outcome: 'unknown' },
    });
  };
  const ask = (task: string) => act(gateway, 'git_commit', {}, keyOf(task));
  const away = { status: 503, body: { error: 'Agent disconnected.', outcome: 'unknown' } };

  it('is asked of the same agent only, which tells what became of it', async () => {
    await lose('same');
    expect(await ask('same')).toEqual(away);
    const other = await seated({ hello: { ...hello, agent_id: 'other' } });
    expect(await ask('same')).toEqual(away);
    other.terminate();
    await other.closed();
    const back = await seated({ hello });
    const asked = ask('same');
    const request = await back.request();
    expect(request.recall).toBe(true);
    back.answer(request, { idempotent_replay: true });
    expect((await asked).body).toMatchObject({ status: 'success', idempotent_replay: true });
    expect(other.frames.filter(({ type }) => type === 'action_request')).toEqual([]);
  });

  it('is given anew when the agent has not run it', async () => {
    await lose('unused');
    const back = await seated({ hello });
    const asked = ask('unused');
    const recall = await back.request();
    back.answer(recall, { status: 'error', result: undefined, error: '?', outcome: 'not_executed' });
    const anew = await back.request(1);
    expect(anew).not.toHaveProperty('recall');
    back.answer(anew);
    expect((await asked).body).toMatchObject({ status: 'success' });
  });

  it('stays open when the agent is lost once more while it is asked', async () => {
    await lose('again');
    const back = await seated({ hello });
    const asked = ask('again');
    await back.request();
    back.terminate();
    expect(await asked).toMatchObject({ status: 503, body: { outcome: 'unknown' } });
    expect(await ask('again')).toEqual(away);
  });

  it.each([
    ['an agent that has no memory', { agent_version: '1', capabilities: [] }, ''],
    ['an agent that has forgotten it', hello, 'recallable_until = now()'],
  ])('by %s is told to be unknown, for good', async (what, more, change) => {
    await lose(what, more);
    if (change !== '') {
      await fixture.sql.query(`update gateway.executions set ${change} where task_id = $1`, [what]);
    }
    const agent = await seated({ hello: more });
    const error = 'The answer of the executor was lost; whether the action took effect is unknown.';
    expect((await ask(what)).body).toEqual({ status: 'error', action: 'git_commit', error });
    expect((await ask(what)).body).toMatchObject({ error, idempotent_replay: true });
    expect(agent.frames.filter(({ type }) => type === 'action_request')).toEqual([]);
  });

  it('is never given to this machine, although it could execute it', async () => {
    await gateway.close();
    gateway = await start({ SKYNET_ALLOWED_ROOTS: fixture.root });
    const agent = await seated({ hello });
    const file = { file: fixture.path('elsewhere.txt'), content: 'x' };
    const lost = act(gateway, 'file_write', file, keyOf('elsewhere'));
    await agent.request();
    agent.terminate();
    expect((await lost).body.outcome).toBe('unknown');
    expect(await act(gateway, 'file_write', file, keyOf('elsewhere'))).toEqual(away);
    // A new key finds this machine.
    expect((await act(gateway, 'file_write', file, keyOf('new'))).body.status).toBe('success');
    expect((await sessions()).map(({ session_id }) => session_id)).toEqual(['local']);
  });
});

describe('the emergency stop', () => {
  afterEach(() => fixture.sql.query('delete from gateway.emergency_stop'));

  it('is told to the agent at once, and to one that comes later, until resume', async () => {
    const agent = await seated();
    const running = act(gateway, 'run_tests', {});
    const request = await agent.request();
    expect((await post(gateway, '/emergency-stop')).body).toEqual({ status: 'emergency_stop_sent' });
    await agent.heard('emergency_stop');
    agent.say({ type: 'emergency_stop_ack', status: 'stopped' });
    const killed = { returncode: -1, stdout: '', stderr: 'Process was killed by the emergency stop.' };
    agent.answer(request, { result: killed });
    expect((await running).body.result).toEqual(killed);
    agent.terminate();
    await agent.closed();
    const later = await connect();
    await later.heard('emergency_stop');
    expect((await act(gateway, 'git_status', {})).body.error).toBe(
      'Emergency stop is active — all execution suspended.',
    );
    expect((await post(gateway, '/resume')).body).toEqual({ status: 'resume_sent' });
    await later.heard('resume');
  });

  it('reaches the agent of another gateway on the same database, and so does its end', async () => {
    const agent = await seated();
    const other = await fixture.start();
    await post(other, '/emergency-stop');
    await agent.heard('emergency_stop');
    agent.frames.splice(0);
    await post(other, '/resume');
    await agent.heard('resume');
  });

  it('holds for an agent that connects after a restart of the gateway', async () => {
    await seated();
    await post(gateway, '/emergency-stop');
    await gateway.close();
    gateway = await start();
    const agent = await connect();
    await agent.heard('emergency_stop');
    expect(agent.frames.find(({ type }) => type === 'resume')).toBeUndefined();
  });
});

describe('the settings of the socket', () => {
  const configOf = (env: Record<string, string>) => gatewayConfig(new Env(env)).agents;
  it('make one only with a token, and SKYNET names win', () => {
    expect(configOf({})).toBeUndefined();
    expect(configOf({ SKYNET_AUTH_TOKEN: '' })).toBeUndefined();
    expect(configOf({ OPENCLAW_AUTH_TOKEN: 'a' })).toMatchObject({
      token: 'a',
      host: '0.0.0.0',
      port: 8_765,
      pingEveryMs: 30_000,
      pongWithinMs: 10_000,
      rivalPongWithinMs: 3_000,
    });
    expect(
      configOf({
        ...{ SKYNET_AUTH_TOKEN: 'b', OPENCLAW_AUTH_TOKEN: 'a' },
        ...{ SKYNET_WS_HOST: '::1', OPENCLAW_WS_HOST: '10.0.0.1' },
        ...{ SKYNET_WS_PORT: '1', OPENCLAW_WS_PORT: '2' },
      }),
    ).toMatchObject({ token: 'b', host: '::1', port: 1 });
  });

  it('that cannot be used end the start with what to do', async () => {
    const tls = { SKYNET_AUTH_TOKEN: 'a', SKYNET_TLS_CERT: '/nowhere/cert.pem' };
    expect(() => configOf(tls)).toThrow('belong together');
    expect(() => configOf({ ...tls, SKYNET_TLS_KEY: '/nowhere/key.pem' })).toThrow(ConfigError);
    const { port } = new URL(gateway.agentsUrl ?? '');
    await expect(fixture.start({ env: { ...SETTINGS, SKYNET_WS_PORT: port } })).rejects.toThrow(
      'Choose another place with SKYNET_WS_HOST and SKYNET_WS_PORT.',
    );
  });
});
