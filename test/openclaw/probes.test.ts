import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { reply, StubServer } from '../support/stub-server.js';
import { FakeOpenClaw, TOKEN } from './fake-openclaw.js';
import { ended, register, SECRETS_KEY, startPlane, turn } from './fixture.js';

/** Sends everybody elsewhere. */
class Redirecting extends StubServer {
  target = '';

  protected serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    reply(response, 302, {}, { location: `${this.target}${request.url ?? ''}` });
    return Promise.resolve();
  }
}

let claw: FakeOpenClaw;
let api: TestControlPlane;
beforeEach(async () => {
  claw = await FakeOpenClaw.start();
});
afterEach(async () => {
  await api.close();
  await claw.kill();
});

const gateway = async () => (await api.fetch('/v1/system-state')).body.gateways[0];
const until = (status: string) =>
  eventually(`it is ${status}`, async () => {
    const found = await gateway();
    return found.status === status ? found : undefined;
  });

describe('the probe', () => {
  it('follows the readiness of the gateway across its life', async () => {
    api = await startPlane();
    expect((await register(api, claw)).status).toBe('online');
    claw.failing = ['suspended'];
    expect((await until('degraded')).status_reason).toBe('not ready: suspended');
    claw.failing = [];
    await until('online');
    await claw.kill();
    expect((await until('degraded')).status_reason).toContain('it may still be starting: ');
    await claw.restart();
    await until('online');
  });

  it('takes silence for an end once the time to come up is over', async () => {
    api = await startPlane({ SKYNET_OPENCLAW_STARTING_SECS: '0' });
    await register(api, claw);
    await claw.kill();
    expect((await until('offline')).status_reason).toContain('ECONNREFUSED');
    await claw.restart();
    await until('online');
  });

  it('gives a gateway time that has said that it ends', async () => {
    api = await startPlane();
    await register(api, claw);
    await api.query(`update openclaw_access set starting_until = now() - interval '1 hour'`);
    claw.model = () => new Promise<string>(() => undefined);
    await turn(api, 't');
    await claw.until(({ modelCalls }) => modelCalls.length === 1);
    claw.announceShutdown();
    await eventually('it is expected back', async () => {
      const [row] = await api.query<{ is: boolean }>(
        'select starting_until > now() as is from openclaw_access',
      );
      return row?.is === true ? true : undefined;
    });
    await claw.kill();
    await until('degraded');
  });

  it('finds a wrong token, although readiness is told to everybody', async () => {
    api = await startPlane();
    const registered = await register(api, claw, { credential: 'wrong-token' });
    expect(registered).toMatchObject({
      status: 'degraded',
      status_reason: expect.stringContaining('AUTH_TOKEN_MISMATCH'),
    });
    expect(registered.status_reason).not.toContain('wrong-token');
    expect((await register(api, claw)).status).toBe('online');
  });

  it('follows no redirect', async () => {
    api = await startPlane();
    const redirecting = await Redirecting.start();
    try {
      redirecting.target = claw.url;
      const found = await register(api, redirecting, { host: redirecting.url });
      expect(found.status_reason).toContain('answered 302');
      expect([claw.paths, claw.requests]).toEqual([[], []]);
    } finally {
      await redirecting.close();
    }
  });

  it('says on whose behalf it calls to nobody', async () => {
    api = await startPlane();
    await register(api, claw);
    await api.fetch('/v1/system-state', { 'x-forwarded-for': '10.0.0.1', forwarded: 'for=10.0.0.1' });
    await turn(api, 't');
    await ended(api, 't');
    const names = claw.headers.flatMap((headers) => Object.keys(headers));
    expect(names.filter((name) => /forwarded|origin/.test(name))).toEqual([]);
  });
});

describe('a credential', () => {
  const everything = async () => {
    const tables = ['gateways', 'openclaw_access', 'openclaw_turns', 'events', 'idempotency_keys', 'tasks'];
    const rows = await Promise.all(tables.map((table) => api.query(`select * from ${table}`)));
    return JSON.stringify(rows);
  };

  it('is stored sealed, and shown nowhere', async () => {
    api = await startPlane();
    const answer = await api.post(
      '/v1/register-gateway',
      { gateway_id: 'claw', host: claw.url, protocol: 'openclaw', credential: TOKEN },
      { 'x-idempotency-key': 'k' },
    );
    expect(answer.body.status).toBe('online');
    const state = await api.fetch('/v1/system-state');
    for (const text of [answer.text, state.text, await everything()]) expect(text).not.toContain(TOKEN);
  });

  it('is not repeated by an answer that says what is wrong', async () => {
    api = await startPlane();
    const secret = 'geheim'.repeat(1_000);
    const tooLong = await api.post('/v1/register-gateway', {
      gateway_id: 'x',
      host: 'x',
      credential: secret,
    });
    const missing = await api.post('/v1/register-gateway', { credential: 'geheim' });
    const wrong = await api.post('/v1/register-gateway', {
      gateway_id: 'x',
      host: 'x',
      credential: ['geheim'],
    });
    for (const answer of [tooLong, missing, wrong]) {
      expect(answer.status).toBe(422);
      expect(answer.text).not.toContain('geheim');
    }
  });

  it('cannot be stored without a key, which the answer says', async () => {
    api = await startPlane({ SKYNET_SECRETS_KEY: '' });
    expect((await register(api, claw)).detail).toContain('SKYNET_SECRETS_KEY is not set');
    expect((await api.fetch('/v1/system-state')).body.gateways).toEqual([]);
  });

  it('that was sealed with another key opens nothing, which the status says', async () => {
    api = await startPlane();
    await register(api, claw);
    const other = await startPlane({ SKYNET_SECRETS_KEY: 'cd'.repeat(32) }, api.databaseUrl);
    try {
      const found = await register(other, claw, { credential: undefined });
      expect(found.status_reason).toContain('cannot be opened with the present SKYNET_SECRETS_KEY');
    } finally {
      await other.close();
    }
  });

  it('stays when the gateway is registered anew, but not for another host', async () => {
    api = await startPlane();
    await register(api, claw);
    expect((await register(api, claw, { credential: undefined })).status).toBe('online');
    const stranger = await FakeOpenClaw.start();
    try {
      const moved = await register(api, stranger, { credential: undefined });
      expect(moved.status).toBe('degraded');
      const sent = stranger.requests.filter(({ method }) => method === 'connect');
      expect(JSON.stringify([sent, stranger.headers])).not.toContain(TOKEN);
    } finally {
      await stranger.kill();
    }
  });

  it('may stand in a file below the folder for secrets, and nowhere else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'secrets-'));
    const outside = mkdtempSync(join(tmpdir(), 'outside-'));
    try {
      writeFileSync(join(folder, 'token'), `${TOKEN}\n`);
      writeFileSync(join(outside, 'token'), TOKEN);
      symlinkSync(join(outside, 'token'), join(folder, 'link'));
      api = await startPlane({ SKYNET_SECRETS_DIR: folder });
      const from = (file: string) => register(api, claw, { credential: undefined, credential_file: file });
      expect((await from('token')).status).toBe('online');
      for (const [file, why] of [
        ['link', 'must be a file below SKYNET_SECRETS_DIR'],
        [`../${outside.split('/').at(-1)}/token`, 'must be a file below SKYNET_SECRETS_DIR'],
        ['absent', 'cannot be read: ENOENT'],
      ] as const) {
        expect((await from(file)).detail).toContain(why);
      }
      writeFileSync(join(folder, 'token'), 'another-one');
      expect((await until('degraded')).status_reason).toContain('AUTH_TOKEN_MISMATCH');
    } finally {
      rmSync(folder, { recursive: true });
      rmSync(outside, { recursive: true });
    }
  });

  it('is refused where it is not used', async () => {
    api = await startPlane();
    expect((await register(api, claw, { protocol: 'skynet' })).detail).toContain('protocol openclaw');
    expect((await register(api, claw, { credential_file: 'x' })).detail).toContain('not both');
    expect(SECRETS_KEY).toHaveLength(64);
  });
});
