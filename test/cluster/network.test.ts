import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ReplicasLoop } from '../../src/control-plane/cluster/replicas.loop.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { CuttableProxy } from '../support/cuttable-proxy.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';

let db: TestDatabase;
let a: TestControlPlane;
let b: TestControlPlane;
const replica = (databaseUrl: string, name: string, env: Record<string, string> = {}) =>
  startTestControlPlane({
    databaseUrl,
    env: {
      SKYCLAW_COORDINATOR_NODE_ID: `node-${name}`,
      SKYCLAW_COORDINATOR_PUBLIC_URL: `HTTP://${name}.example:8787/`,
      ...env,
    },
  });

beforeAll(async () => {
  db = await createTestDatabase();
  a = await replica(db.url, 'a', {
    SKYCLAW_PEER_URLS: 'https://c.example/base/, http://b.example:8787, ftp://x',
  });
  b = await replica(db.url, 'b');
});
afterAll(async () => {
  await a.close();
  await b.close();
  await db.drop();
});

const peersOf = async (api: TestControlPlane) => (await api.fetch('/v1/network/peers')).body;
const listed = (api: TestControlPlane, url: string, isThere: boolean) =>
  eventually(`${url} is ${isThere ? '' : 'not '}listed`, async () => {
    const { peers } = await peersOf(api);
    return peers.includes(url) === isThere ? peers : undefined;
  });

describe('the network', () => {
  it('is made of the live replicas and the configured addresses, each once, without the own one', async () => {
    await listed(a, 'http://b.example:8787', true);
    expect(await peersOf(a)).toEqual({
      nodeId: 'node-a',
      self: 'http://a.example:8787',
      peers: ['http://b.example:8787', 'https://c.example/base'],
    });
    await listed(b, 'http://a.example:8787', true);
    expect(await peersOf(b)).toEqual({
      nodeId: 'node-b',
      self: 'http://b.example:8787',
      peers: ['http://a.example:8787'],
    });
  });

  it('loses a replica that ends at once, and one that falls silent after half a minute', async () => {
    const c = await replica(db.url, 'd');
    await listed(b, 'http://d.example:8787', true);
    await c.close();
    await listed(b, 'http://d.example:8787', false);
    await a.query(
      `insert into replicas (replica, node_id, public_url, last_seen_at) values
         ('silent', 'n', 'http://silent.example', now() - interval '29 seconds'),
         ('silenter', 'n', 'http://silenter.example', now() - interval '31 seconds')`,
    );
    const { peers } = await peersOf(b);
    expect(peers).toContain('http://silent.example');
    expect(peers).not.toContain('http://silenter.example');
    await a.query(`update replicas set last_seen_at = now() - interval '11 minutes' where node_id = 'n'`);
    // The first thing that a replica does is to forget those.
    await (await replica(db.url, 'e')).close();
    expect(await a.query(`select from replicas where node_id = 'n'`)).toEqual([]);
  });

  it('has a replica again with its next sign of life', async () => {
    await a.query(`update replicas set last_seen_at = now() - interval '1 minute' where node_id = 'node-a'`);
    await listed(b, 'http://a.example:8787', false);
    a.get(ReplicasLoop).nudge();
    await listed(b, 'http://a.example:8787', true);
  });

  it('takes in an address that is announced on one replica, for all of them and once', async () => {
    const { status, body } = await a.post('/v1/network/join', {
      url: ' HTTPS://New.Example:443/coordinator/?q#f ',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ ok: true, nodeId: 'node-a', self: 'http://a.example:8787' });
    expect(body.peers).toContain('https://new.example/coordinator');
    await b.post('/v1/network/join', { url: 'https://new.example/coordinator' });
    const { peers } = await peersOf(b);
    expect(peers.filter((url: string) => url === 'https://new.example/coordinator')).toHaveLength(1);
    expect([...peers].sort()).toEqual(peers);
    await a.query(`update peers set joined_at = now() - interval '25 hours'`);
    expect((await peersOf(b)).peers).not.toContain('https://new.example/coordinator');
    const own = await b.post('/v1/network/join', { url: 'http://b.example:8787' });
    expect(own.body.peers).not.toContain('http://b.example:8787');
  });

  it('refuses what is no address of a coordinator, and says why', async () => {
    for (const body of [{}, { url: null }, { url: '  ' }, undefined]) {
      expect(await a.post('/v1/network/join', body)).toMatchObject({
        status: 400,
        body: { error: 'url is required' },
      });
    }
    for (const url of ['nonsense', 'ftp://x', 'file:///etc/passwd', 'http://user:pw@x.example']) {
      const answer = await a.post('/v1/network/join', { url });
      expect(answer).toMatchObject({
        status: 400,
        body: { error: 'url must be an http or https URL without credentials' },
      });
    }
    expect(await a.post('/v1/network/join', '{')).toMatchObject({
      status: 400,
      body: { error: 'malformed JSON' },
    });
  });

  it('keeps 256 addresses, those that were announced last', async () => {
    const urls = Array.from({ length: 300 }, (_, n) => `http://p${n}.example`);
    for (let at = 0; at < urls.length; at += 20) {
      const answers = await Promise.all(
        urls.slice(at, at + 20).map((url, n) => (n % 2 === 0 ? a : b).post('/v1/network/join', { url })),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    }
    expect(await a.query('select count(*)::int as n from peers')).toEqual([{ n: 256 }]);
    const { peers } = await peersOf(b);
    expect(peers).toContain('http://p299.example');
    expect(peers).not.toContain('http://p0.example');
  });
});

describe('GET /health', () => {
  it('answers 503 while the database is away', async () => {
    const home = await createTestDatabase();
    const way = await CuttableProxy.to(home.url);
    const api = await startTestControlPlane({ databaseUrl: way.url });
    try {
      expect((await api.fetch('/health')).status).toBe(200);
      way.cut();
      const down = await api.fetch('/health');
      expect(down).toMatchObject({ status: 503, body: { error: 'the database is not available' } });
      expect(await api.post('/v1/network/join', { url: 'http://x' })).toMatchObject({ status: 503 });
      way.mend();
      await eventually('it answers again', async () =>
        (await api.fetch('/health')).status === 200 ? true : undefined,
      );
    } finally {
      await api.close();
      await way.close();
      await home.drop();
    }
  });

  it('tells who answers, to those with the token', async () => {
    const api = await startTestControlPlane({
      env: { SKYCLAW_TOKEN: 'secret', SKYCLAW_COORDINATOR_NODE_ID: 'n1' },
    });
    try {
      expect(await api.fetch('/health')).toMatchObject({ status: 401, body: { error: 'unauthorized' } });
      const seen = await api.fetch('/health', { 'x-skyclaw-token': 'secret' });
      expect(seen).toMatchObject({ status: 200, body: { ok: true, nodeId: 'n1' } });
      for (const path of ['/v1/state', '/v1/network/peers']) expect((await api.fetch(path)).status).toBe(401);
      for (const path of ['/v1/network/join', '/v1/replicate/snapshot']) {
        expect((await api.post(path, {})).status).toBe(401);
      }
    } finally {
      await api.close();
    }
  });
});
