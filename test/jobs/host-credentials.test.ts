import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { Caller, shell } from './fixture.js';

let api: TestControlPlane;
beforeAll(async () => {
  api = await startTestControlPlane({ env: { SKYCLAW_TOKEN: 'join', SKYCLAW_HOST_AUTH: '1' } });
});
afterAll(() => api.close());

const JOIN = { 'x-skyclaw-token': 'join' };
const as = (token: string) => ({ ...JOIN, 'x-skyclaw-host-token': token });

async function joined(hostId: string, shown?: string): Promise<string> {
  const { status, body } = await api.post(
    '/v1/hosts/register',
    { hostId, name: hostId, maxParallel: 5 },
    shown === undefined ? JOIN : as(shown),
  );
  expect({ status, body }).toMatchObject({ status: 200, body: { hostToken: expect.any(String) } });
  return body.hostToken as string;
}

describe('a host with a credential', () => {
  it('is the only one that can act as itself', async () => {
    const [mine, other] = [await joined('mine'), await joined('other')];
    const submitter = new Caller(api, JOIN);
    const { id } = await submitter.submit({ payload: shell() });
    const acts = (token: string | undefined) => {
      const headers = token === undefined ? JOIN : as(token);
      return Promise.all([
        api.post('/v1/hosts/mine/heartbeat', {}, headers),
        api.post('/v1/hosts/mine/claim', {}, headers),
        api.post(`/v1/jobs/${id}/renew`, { hostId: 'mine' }, headers),
        api.post(`/v1/jobs/${id}/complete`, { hostId: 'mine', success: true }, headers),
        api.post('/v1/hosts/register', { hostId: 'mine', name: 'stolen' }, headers),
      ]);
    };
    for (const token of [undefined, other, 'nonsense', '']) {
      expect((await acts(token)).map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    }
    expect((await api.post('/v1/hosts/mine/claim', {}, as(mine))).body.job.id).toBe(id);
    const done = await api.post(`/v1/jobs/${id}/complete`, { hostId: 'mine', success: true }, as(mine));
    expect(done.status).toBe(200);
  });

  it('is kept as a hash, and never shown again', async () => {
    const token = await joined('secret');
    const everything = JSON.stringify([
      await api.query('select * from hosts'),
      await api.query('select * from workers'),
      await api.query('select * from idempotency_keys'),
      (await api.fetch('/v1/hosts', JOIN)).body,
    ]);
    expect(everything).toContain('secret');
    expect(everything).not.toContain(token);
  });

  it('gets a new one by registering with the old, which holds until the new one is used', async () => {
    const first = await joined('rotating');
    const second = await joined('rotating', first);
    // The answer with the second may have been lost.
    const third = await joined('rotating', first);
    expect(new Set([first, second, third]).size).toBe(3);
    const beat = (token: string) => api.post('/v1/hosts/rotating/heartbeat', {}, as(token));
    expect((await beat(second)).status).toBe(401);
    expect((await beat(first)).status).toBe(200);
    expect((await beat(third)).status).toBe(200);
    expect((await beat(first)).status).toBe(401);
  });

  it('is not locked out when the answer to its first registration gets lost', async () => {
    const register = (key: string, more: object = { hostId: 'lost' }) =>
      api.post('/v1/hosts/register', { name: 'lost', ...more }, { ...JOIN, 'x-idempotency-key': key });
    const lost = await register('one');
    const again = await register('one');
    expect([lost.status, again.status, (await register('two')).status]).toEqual([200, 200, 401]);
    const beat = (token: string) => api.post('/v1/hosts/lost/heartbeat', {}, as(token));
    expect((await beat(again.body.hostToken as string)).status).toBe(200);
    // From now on the credential alone counts, and there is one.
    expect((await beat(lost.body.hostToken as string)).status).toBe(401);
    expect((await register('one')).status).toBe(401);
  });

  it('keeps what it has shown, however often the answer to its next registration gets lost', async () => {
    const first = await joined('kept');
    const beat = (token: string) => api.post('/v1/hosts/kept/heartbeat', {}, as(token));
    expect((await beat(first)).status).toBe(200);
    const register = () =>
      api.post(
        '/v1/hosts/register',
        { hostId: 'kept', name: 'kept' },
        { ...as(first), 'x-idempotency-key': 'again' },
      );
    for (let lost = 0; lost < 3; lost++) expect((await register()).status).toBe(200);
    expect((await beat(first)).status).toBe(200);
  });

  it('that names no id is one host, however often its registration is repeated', async () => {
    const register = () =>
      api.post('/v1/hosts/register', { name: 'nameless' }, { ...JOIN, 'x-idempotency-key': 'nameless' });
    const ids = [await register(), await register()].map(({ body }) => body.host.id as string);
    expect(ids[0]).toMatch(/^host_[0-9a-f-]{36}$/);
    expect(ids[1]).toBe(ids[0]);
  });

  it('loses it and all that it holds when an operator revokes it, until it is readmitted', async () => {
    const token = await joined('bad');
    const submitter = new Caller(api, JOIN);
    const { id } = await submitter.submit({ payload: shell() });
    expect((await api.post('/v1/hosts/bad/claim', {}, as(token))).body.job.id).toBe(id);
    const { body } = await api.post('/v1/hosts/bad/revoke', { reason: 'stolen' }, JOIN);
    expect(body.host).toMatchObject({ status: 'revoked', activeLeases: 0 });
    expect((await submitter.job(id)).status).toBe('queued');
    for (const path of ['/v1/hosts/bad/claim', '/v1/hosts/bad/heartbeat']) {
      expect(await api.post(path, {}, as(token))).toMatchObject({
        status: 403,
        body: { error: 'host bad is revoked; an operator can readmit it' },
      });
    }
    const again = { hostId: 'bad', name: 'bad' };
    expect((await api.post('/v1/hosts/register', again, as(token))).status).toBe(403);
    expect((await api.post('/v1/hosts/register', again, JOIN)).status).toBe(403);
    await api.post('/v1/hosts/bad/readmit', {}, JOIN);
    expect(await joined('bad')).not.toBe(token);
  });
});
