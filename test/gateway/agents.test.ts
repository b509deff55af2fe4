import net from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { gatewayConfig } from '../../src/gateway/index.js';
import { ConfigError } from '../../src/platform/config/config-error.js';
import { Env } from '../../src/platform/config/env.js';
import { eventually } from '../support/eventually.js';
import { AgentStage, keyOf, NOBODY, SETTINGS, TOKEN } from './agent-stage.js';
import { act, post } from './fixture.js';

const stage = AgentStage.forTests();

describe('who may connect', () => {
  it('is who shows the token; others are closed with 4001, and nothing of theirs is listened to', async () => {
    for (const token of ['wrong', '', 'righ', 'right ']) {
      // The last one is the right one: blanks at the end of a header are no part of it.
      const agent = await stage.connect({ token });
      if (token.trim() === TOKEN) continue;
      expect(await agent.closed()).toEqual({ code: 4001, reason: 'Unauthorized' });
    }
    const stranger = await stage.connect({ token: 'wrong', hello: null });
    stranger.say('x'.repeat(100_000));
    await stranger.closed();
  });

  it('is one at a time: another live one is closed with 4002', async () => {
    const first = await stage.seated();
    const second = await stage.connect();
    expect(await second.closed()).toEqual({ code: 4002, reason: 'Another agent is already connected' });
    expect(await stage.sessions()).toHaveLength(1);
    first.terminate();
    await eventually('the seat is free', async () =>
      (await stage.sessions()).length === 0 ? true : undefined,
    );
    await stage.seated();
  });

  it('is the next one when the first shows no life', async () => {
    const first = await stage.seated({ mute: true, hello: { agent_version: 'old', capabilities: [] } });
    await stage.seated({ hello: { agent_version: 'new', capabilities: ['file_read'] } });
    expect(await stage.sessions()).toMatchObject([{ agent_version: 'new', capabilities: ['file_read'] }]);
    await first.closed();
  });

  it('is known by its id when it comes back before its old connection is known to be gone', async () => {
    await stage.gateway.close();
    stage.gateway = await stage.start({}, 3_600_000);
    const hello = { agent_version: '1', capabilities: [], agent_id: 'me' };
    const first = await stage.seated({ hello });
    // Half open: nothing arrives there, and nothing comes from there.
    first.socket.pause();
    await stage.seated({ hello });
    expect(await stage.sessions()).toHaveLength(1);
  });

  it('says who it is in time', async () => {
    const silent = await stage.connect({ hello: null });
    expect(await silent.closed()).toEqual({ code: 1008, reason: 'No agent_hello came' });
    expect(await stage.sessions()).toEqual([]);
  });

  it('asks by WebSocket; anything else is told so, and sockets that ask for nothing are closed', async () => {
    const { host, hostname, port } = new URL(stage.gateway.agentsUrl ?? '');
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
    const agent = await stage.seated();
    for (const text of ['', 'nonsense', '[]', 'null', '7', '{"type":"dance"}', '{"type":"action_response"}'])
      agent.say(text);
    agent.socket.send(Buffer.alloc(1_000_000, 0xff));
    const asked = act(stage.gateway, 'file_read', { file: 'x' });
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
    const agent = await stage.seated();
    const asked = act(stage.gateway, 'git_commit', {}, keyOf('senseless'));
    const { request_id } = await agent.request();
    agent.say({ type: 'action_response', request_id, status: 'success', result: { returncode: 'x' } });
    const answer = { status: 'error', action: 'git_commit', error: 'Internal agent error.' };
    expect((await asked).body).toEqual(answer);
    expect((await act(stage.gateway, 'git_commit', {}, keyOf('senseless'))).body).toEqual({
      ...answer,
      idempotent_replay: true,
    });
  });

  it('and sends a frame of 40 MB is cut off; one of 30 MB is taken', async () => {
    const agent = await stage.seated();
    const asked = act(stage.gateway, 'zip_project', {});
    const result = { returncode: 0, stdout: 'x'.repeat(30_000_000), stderr: '' };
    agent.answer(await agent.request(), { result });
    expect((await asked).body.result.stdout).toHaveLength(30_000_000);
    const lost = act(stage.gateway, 'zip_project', {});
    await agent.request(1);
    agent.say('x'.repeat(40_000_000));
    expect(await lost).toMatchObject({ status: 503, body: { outcome: 'unknown' } });
    expect((await agent.closed()).code).toBe(1009);
  });

  it('and shows no life any more is cut off, whether it reads or not', async () => {
    const mute = await stage.seated({ mute: true });
    const asked = act(stage.gateway, 'git_status', {});
    await mute.request();
    expect(await asked).toMatchObject({ status: 503, body: { error: 'Agent disconnected.' } });
    const deaf = await stage.seated();
    deaf.socket.pause();
    const large = act(stage.gateway, 'file_write', { file: 'x', content: 'x'.repeat(7_000_000) });
    expect(await large).toEqual({
      status: 503,
      body: {
        status: 'error',
        action: 'file_write',
        error: 'Agent disconnected.',
        outcome: 'unknown',
      },
    });
    expect(await act(stage.gateway, 'git_status', {})).toEqual(NOBODY);
  });
});

describe('the emergency stop', () => {
  afterEach(() => stage.fixture.sql.query('delete from gateway.emergency_stop'));

  it('is told to the agent at once, and to one that comes later, until resume', async () => {
    const agent = await stage.seated();
    const running = act(stage.gateway, 'run_tests', {});
    const request = await agent.request();
    expect((await post(stage.gateway, '/emergency-stop')).body).toEqual({ status: 'emergency_stop_sent' });
    await agent.heard('emergency_stop');
    agent.say({ type: 'emergency_stop_ack', status: 'stopped' });
    const killed = { returncode: -1, stdout: '', stderr: 'Process was killed by the emergency stop.' };
    agent.answer(request, { result: killed });
    expect((await running).body.result).toEqual(killed);
    agent.terminate();
    await agent.closed();
    const later = await stage.connect();
    await later.heard('emergency_stop');
    expect((await act(stage.gateway, 'git_status', {})).body.error).toBe(
      'Emergency stop is active — all execution suspended.',
    );
    expect((await post(stage.gateway, '/resume')).body).toEqual({ status: 'resume_sent' });
    await later.heard('resume');
  });

  it('reaches the agent of another gateway on the same database, and so does its end', async () => {
    const agent = await stage.seated();
    const other = await stage.fixture.start();
    await post(other, '/emergency-stop');
    await agent.heard('emergency_stop');
    agent.frames.splice(0);
    await post(other, '/resume');
    await agent.heard('resume');
  });

  it('holds for an agent that connects after a restart of the gateway', async () => {
    await stage.seated();
    await post(stage.gateway, '/emergency-stop');
    await stage.gateway.close();
    stage.gateway = await stage.start();
    const agent = await stage.connect();
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
    const { port } = new URL(stage.gateway.agentsUrl ?? '');
    await expect(stage.fixture.start({ env: { ...SETTINGS, SKYNET_WS_PORT: port } })).rejects.toThrow(
      'Choose another place with SKYNET_WS_HOST and SKYNET_WS_PORT.',
    );
  });
});
