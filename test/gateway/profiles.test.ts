import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { GatewayFixture, post, type Reply } from './fixture.js';
import { fc } from '../support/properties.js';

let fixture: GatewayFixture;
let gateway: RunningGateway;
beforeAll(async () => {
  fixture = await GatewayFixture.create();
  gateway = await fixture.start();
});
afterAll(() => fixture.close());
beforeEach(() => fixture.sql.query('delete from gateway.profiles'));

async function call(method: string, path: string, body?: unknown): Promise<Reply> {
  const response = await fetch(`${gateway.url}/profile/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}
const remember = (user: number, key: string, text: string) => call('PUT', `${user}/facts/${key}`, { text });
const forget = (user: number, key_or_text: unknown) =>
  post(gateway, `/profile/${user}/forget`, { key_or_text });
const setMemory = (user: number, enabled: unknown) =>
  post(gateway, `/profile/${user}/memory-policy`, { enabled });
const keys = ({ body }: Reply) => (body.facts as { key: string }[]).map(({ key }) => key);

const UNKNOWN = { status: 404, body: { error: 'User not found.' } };
const NOT_NUMERIC = { status: 400, body: { error: 'telegram_user_id must be numeric.' } };

describe('a profile', () => {
  it('is there once somebody has made it, or something is remembered', async () => {
    expect(await call('GET', '7')).toEqual(UNKNOWN);
    const made = await call('PUT', '7');
    expect(made).toEqual({
      status: 200,
      body: {
        telegram_user_id: 7,
        memory_enabled: true,
        facts: [],
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*\+00:00$/),
      },
    });
    expect(await call('PUT', '7')).toEqual(made);
    expect(await call('GET', '7')).toEqual(made);
    expect((await remember(8, 'Editor', ' Uses Vim ')).body).toMatchObject({
      telegram_user_id: 8,
      facts: [{ key: 'editor', text: 'Uses Vim' }],
    });
    expect((await remember(8, 'editor', 'Uses Emacs')).body.facts).toMatchObject([
      { key: 'editor', text: 'Uses Emacs' },
    ]);
  });

  it('forgets what has the key or the text, or contains it, of that person alone', async () => {
    const facts = { editor: 'Uses Vim', home: 'Lives in Łódź', cat: 'Has a cat', cats: 'Feeds them twice' };
    for (const [key, text] of Object.entries(facts)) await remember(7, key, text);
    await remember(8, 'editor', 'Uses Vim');
    expect((await forget(7, 'CAT')).body).toEqual({ telegram_user_id: 7, forgotten: ['cat'] });
    expect((await forget(7, 'has')).body.forgotten).toEqual([]);
    expect((await forget(7, 'e')).body.forgotten).toEqual([]);
    expect((await forget(7, '%')).body.forgotten).toEqual([]);
    expect((await forget(7, 'in łódź')).body.forgotten).toEqual(['home']);
    expect((await forget(7, 'uses vim')).body.forgotten).toEqual(['editor']);
    expect(keys(await call('GET', '7'))).toEqual(['cats']);
    expect(keys(await call('GET', '8'))).toEqual(['editor']);
  });

  it('remembers nothing new while memory is off, and keeps what it has', async () => {
    await remember(7, 'editor', 'Uses Vim');
    expect((await setMemory(7, false)).body).toMatchObject({
      memory_enabled: false,
      facts: [{ key: 'editor' }],
    });
    const refusal = { status: 409, body: { error: 'Memory is switched off for this user.' } };
    expect(await remember(7, 'home', 'x')).toEqual(refusal);
    expect(await remember(7, 'editor', 'x')).toEqual(refusal);
    expect((await forget(7, 'editor')).body.forgotten).toEqual(['editor']);
    expect((await setMemory(7, true)).body).toMatchObject({ memory_enabled: true });
    expect((await remember(7, 'home', 'x')).status).toBe(200);
  });

  it('has 200 facts at most, whoever writes at once', async () => {
    await call('PUT', '7');
    await fixture.sql.query(
      `insert into gateway.profile_facts (telegram_user_id, key, text) select 7, 'k' || n, 'x' from generate_series(1, 195) n`,
    );
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) => remember(7, `new${index}`, 'y')),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(replies.find(({ status }) => status === 409)?.body.error).toMatch(/no room/);
    expect((await remember(7, 'k1', 'changed')).status).toBe(200);
    expect(keys(await call('GET', '7'))).toHaveLength(200);
  });

  it('outlives the gateway that made it', async () => {
    await remember(7, 'editor', 'Uses Vim');
    const other = await fixture.start();
    expect(await (await fetch(`${other.url}/profile/7`)).json()).toMatchObject({
      facts: [{ key: 'editor' }],
    });
  });
});

describe('a request for a profile', () => {
  it('names a user by a number, and one that is known', async () => {
    for (const user of ['x', '1.5', '%20', '7%00', 'null']) {
      expect(await call('GET', user)).toEqual(NOT_NUMERIC);
      expect(await call('PUT', user)).toEqual(NOT_NUMERIC);
      expect(await post(gateway, `/profile/${user}/forget`, { key_or_text: 'x' })).toEqual(NOT_NUMERIC);
      expect(await post(gateway, `/profile/${user}/memory-policy`, { enabled: true })).toEqual(NOT_NUMERIC);
    }
    expect(await call('GET', '9'.repeat(40))).toEqual(UNKNOWN);
    expect(await forget(9, 'x')).toEqual(UNKNOWN);
    expect(await setMemory(9, true)).toEqual(UNKNOWN);
  });

  it('is refused when its body is none', async () => {
    await call('PUT', '7');
    for (const wrong of ['', ' ', 1, null, undefined, 'x'.repeat(1_001), 'a\0']) {
      expect((await forget(7, wrong)).status).toBe(400);
      expect((await call('PUT', '7/facts/k', { text: wrong })).status).toBe(400);
      expect((await setMemory(7, wrong)).status).toBe(400);
    }
    for (const key of ['%20', 'x'.repeat(101), 'a%00b'])
      expect((await remember(7, key, 'x')).status).toBe(400);
    for (const body of ['[]', 'null', '1', '{']) {
      expect((await post(gateway, '/profile/7/forget', body)).status).toBe(400);
    }
  });

  it('never fails, whatever is remembered', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), async (key, text) => {
        const { status } = await call('PUT', `7/facts/${encodeURIComponent(key.toWellFormed())}`, { text });
        expect([200, 400, 404, 409]).toContain(status);
        expect([200, 400, 404]).toContain((await forget(7, text)).status);
      }),
      { numRuns: 100 },
    );
  });

  it('wants the token', async () => {
    const closed = await fixture.start({ env: { SKYNET_GATEWAY_TOKEN: 't' } });
    expect((await fetch(`${closed.url}/profile/7`)).status).toBe(401);
  });
});
