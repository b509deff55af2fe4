import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pruneDeliveries } from '../../src/control-plane/webhooks/deliveries.queries.js';
import { type TestControlPlane } from '../support/control-plane.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { Program } from '../support/program.js';
import { delivery, enqueue, LOCAL, makeWebhook, startWebhooks } from './fixture.js';
import { Receiver } from './receiver.js';

let receiver: Receiver;
beforeAll(async () => (receiver = await Receiver.start()));
afterAll(() => receiver.close());

describe('several replicas', () => {
  let api: TestControlPlane;
  let other: TestControlPlane;
  beforeAll(async () => {
    api = await startWebhooks();
    other = await startWebhooks({}, api.databaseUrl);
  });
  afterAll(async () => {
    await other.close();
    await api.close();
  });

  it('tell a webhook of each event once when nothing goes wrong', async () => {
    const { webhook } = await makeWebhook(api, `${receiver.url}/both`);
    const names = Array.from({ length: 60 }, (_, index) => `each${index}`);
    await Promise.all(names.map((name, index) => enqueue(index % 2 === 0 ? api : other, name)));
    await receiver.until('/both', names.length);
    await eventually('all are known to have arrived', async () => {
      const { body } = await api.fetch(`/v1/webhooks/${webhook.id}/deliveries?status=delivered`);
      return body.deliveries.length === names.length ? true : undefined;
    });
    expect(
      receiver
        .at('/both')
        .map(({ body }) => String(body.data.task_id))
        .sort(),
    ).toEqual([...names].sort());
  });
});

describe('a replica that ends', () => {
  let database: TestDatabase;
  beforeAll(async () => (database = await createTestDatabase()));
  afterAll(() => database.drop());

  it('by a kill between a delivery and its record loses nothing: it is made again, under the same id', async () => {
    const env = {
      ...LOCAL,
      ...{ DATABASE_URL: database.url, SKYNET_PORT: '0', SKYNET_LOG_LEVEL: 'silent' },
      ...{ SKYNET_WEBHOOK_TIMEOUT_SECS: '1', SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '0' },
    };
    const first = Program.start('skynet', ['serve'], env);
    const url = await first.line(/SKYNET control plane: (\S+)/);
    const post = async (path: string, body: object) => {
      const answer = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(await answer.text());
    };
    // The receiver takes it, and the replica dies before it hears so.
    receiver.answer('/killed', async (response) => {
      await first.kill('SIGKILL');
      response.writeHead(200).end();
    });
    await post('/v1/webhooks', { url: `${receiver.url}/killed`, event_types: ['enqueued'] });
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    await post('/v1/tasks/batch', {
      tasks: names.map((task_id) => ({ task_id, action: 'act', delivery: 'pull' })),
    });
    expect(await first.exit()).toBe('SIGKILL');
    const before = new Set(receiver.at('/killed').map(({ id }) => id));
    expect(before.size).toBeGreaterThan(0);
    receiver.answer('/killed', (response) => void response.writeHead(200).end());
    const second = Program.start('skynet', ['serve'], env);
    const next = await second.line(/SKYNET control plane: (\S+)/);
    await eventually('all have arrived', async () => {
      const { webhooks } = (await (await fetch(`${next}/v1/webhooks`)).json()) as {
        webhooks: { id: string; pending: number }[];
      };
      const arrived = new Set(receiver.at('/killed').map(({ body }) => String(body.data.task_id)));
      return webhooks[0]?.pending === 0 && arrived.size === names.length ? true : undefined;
    });
    const ids = receiver.at('/killed').map(({ id }) => id);
    expect(new Set(ids).size).toBe(names.length);
    expect(ids.length).toBeGreaterThan(names.length);
    expect(await second.kill('SIGTERM')).toBe(0);
  });

  it('as it is told to hands back what it has under way: the next one goes on at once', async () => {
    const first = await startWebhooks({}, database.url);
    let isUp = false;
    receiver.answer('/handed', async (response) => {
      if (isUp) response.writeHead(200).end();
      else await new Promise((done) => response.once('close', done));
    });
    const { webhook } = await makeWebhook(first, `${receiver.url}/handed`);
    await enqueue(first, 'handed');
    const [message] = await receiver.until('/handed', 1);
    await first.close();
    isUp = true;
    const second = await startWebhooks({}, database.url);
    // The lease of an attempt is half a minute.
    const done = await delivery(second, webhook.id, 'has arrived', (each) => each.status === 'delivered');
    expect(done).toMatchObject({ id: message?.id, attempts: 2 });
    await second.close();
  });
});

describe('an address that may not be called', () => {
  it('is not called although its name looks harmless, and the delivery says why', async () => {
    const api = await startWebhooks({ SKYNET_WEBHOOK_ALLOWED_NETWORKS: '' });
    try {
      const { port } = new URL(receiver.url);
      const { webhook } = await makeWebhook(api, `http://localhost:${port}/inside`);
      await enqueue(api, 'inside');
      const refused = await delivery(api, webhook.id, 'was refused', (each) => each.last_error !== null);
      expect(refused).toMatchObject({ status: 'pending', last_status_code: null });
      expect(refused.last_error).toContain('localhost resolves to a loopback address');
      // What was allowed when the webhook was made, and is not any more.
      await api.query(`update webhooks set url = $1`, [`http://[::ffff:127.0.0.1]:${port}/inside`]);
      await api.query(`update webhook_deliveries set due_at = now()`);
      await delivery(api, webhook.id, 'was refused again', (each) =>
        String(each.last_error).includes('names a loopback address'),
      );
      expect(receiver.at('/inside')).toEqual([]);
      const plain = await startWebhooks({ SKYNET_WEBHOOK_ALLOW_HTTP: '0' }, api.databaseUrl);
      const body = { url: 'http://example.com', event_types: ['*'] };
      expect((await plain.post('/v1/webhooks', body)).status).toBe(422);
      await plain.close();
    } finally {
      await api.close();
    }
  });
});

describe('the tables', () => {
  let api: TestControlPlane;
  beforeAll(async () => (api = await startWebhooks({ SKYNET_WEBHOOKS_MAX: '2' })));
  afterAll(() => api.close());

  /** Deliveries made out of thin air, due in an hour or ended an hour ago. */
  const fill = (webhookId: string, status: 'pending' | 'delivered', count: number) =>
    api.query(
      `insert into webhook_deliveries (delivery_id, webhook_id, event_type, body, status, due_at, ended_at, retry_until)
       select $2 || n || $1, $1, 'enqueued', '{}', $2, case when $2 = 'pending' then now() + interval '1 hour' end,
         case when $2 <> 'pending' then now() - n * interval '1 minute' end, now() + interval '1 day'
       from generate_series(1, $3::int) n`,
      [webhookId, status, count],
    );

  it('stay small: the log waits while ten thousand deliveries do, and nothing is lost', async () => {
    const { webhook } = await makeWebhook(api, `${receiver.url}/full`);
    await fill(webhook.id, 'pending', 10_001);
    await enqueue(api, 'waits');
    const other = await makeWebhook(api, `${receiver.url}/free`);
    await enqueue(api, 'goes');
    await receiver.until('/free', 1);
    expect(receiver.at('/full')).toEqual([]);
    expect((await api.fetch(`/v1/webhooks/${webhook.id}`)).body.webhook.pending).toBe(10_000);
    await api.query(`delete from webhook_deliveries where status = 'pending' and webhook_id = $1`, [
      webhook.id,
    ]);
    const messages = await receiver.until('/full', 2);
    expect(messages.map(({ body }) => String(body.data.task_id)).sort()).toEqual(['goes', 'waits']);
    const refused = await api.post('/v1/webhooks', { url: receiver.url, event_types: ['*'] });
    expect([refused.status, refused.body.type]).toEqual([409, 'urn:skynet:problem:too-many-webhooks']);
    await api.call('DELETE', `/v1/webhooks/${other.webhook.id}`);
  });

  it('forget what has ended by age and by number', async () => {
    const { webhook } = await makeWebhook(api, `${receiver.url}/old`);
    await fill(webhook.id, 'delivered', 100);
    const left = async () =>
      (await api.query(`select from webhook_deliveries where webhook_id = $1`, [webhook.id])).length;
    const prune = (days: number, keep: number, limit: number) =>
      pruneDeliveries(api.database, webhook.id, { days, keep, limit });
    expect(await prune(1, 100, 1_000)).toBe(0);
    expect(await prune(1, 90, 1_000)).toBe(10);
    expect(await prune(1 / 24, 1_000, 5)).toBe(5);
    expect(await prune(1 / 24, 1_000, 1_000)).toBe(26);
    expect(await left()).toBe(59);
  });

  it('need a key for the secrets', async () => {
    const without = await startWebhooks({ SKYNET_SECRETS_KEY: '' }, api.databaseUrl);
    const answer = await without.post('/v1/webhooks', { url: 'https://example.com', event_types: ['*'] });
    expect([answer.status, answer.body.type]).toEqual([503, 'urn:skynet:problem:webhooks-unavailable']);
    await without.close();
  });
});
