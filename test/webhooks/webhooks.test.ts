import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { delivery, endPauses, enqueue, makeWebhook, readable, startWebhooks } from './fixture.js';
import { Receiver, signatureOf, status } from './receiver.js';

let api: TestControlPlane;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await Receiver.start();
  api = await startWebhooks();
});
afterAll(async () => {
  await api.close();
  await receiver.close();
});

const disable = (id: string) => api.call('PATCH', `/v1/webhooks/${id}`, { enabled: false });
const show = async (id: string): Promise<Json> => (await api.fetch(`/v1/webhooks/${id}`)).body.webhook;

describe('a webhook', () => {
  it('is told of events by messages that its secret has signed', async () => {
    const { webhook, secret } = await makeWebhook(api, `${receiver.url}/signed`);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    await enqueue(api, 'signed', { project_id: 'p' });
    const [message] = await receiver.until('/signed', 1);
    if (message === undefined) throw new Error('no message');
    expect(message.signatures).toEqual([signatureOf(message, secret)]);
    expect(message.id).toMatch(/^msg_[0-9a-f-]+_\d+$/);
    expect(Math.abs(message.timestamp - Date.now() / 1_000)).toBeLessThan(60);
    expect(message.headers['content-type']).toBe('application/json');
    expect(message.body).toMatchObject({
      type: 'enqueued',
      timestamp: expect.any(String),
      data: { task_id: 'signed', event_type: 'enqueued', project_id: 'p', claim_token: null },
    });
    const { body } = await api.fetch('/v1/events?task_id=signed');
    expect(message.body.data).toMatchObject(body.events[0]);
    const done = await delivery(api, webhook.id, 'has arrived', (each) => each.status === 'delivered');
    expect(done).toMatchObject({
      ...{ id: message.id, webhook_id: webhook.id, event_type: 'enqueued', task_id: 'signed', attempts: 1 },
      ...{ last_status_code: 204, last_error: null, next_attempt_at: null, ended_at: expect.any(String) },
    });
    await disable(webhook.id);
  });

  it('keeps its secret sealed, and shows it once', async () => {
    const header = { 'x-idempotency-key': 'once' };
    const wanted = { url: `${receiver.url}/secret`, event_types: ['failed*'] };
    const first = await api.post('/v1/webhooks', wanted, header);
    const again = await api.post('/v1/webhooks', wanted, header);
    expect(again.body).toEqual({ webhook: first.body.webhook, secret: null });
    const stored = await api.query(
      `select to_jsonb(w)::text from webhooks w union all select to_jsonb(k)::text from idempotency_keys k`,
    );
    expect(JSON.stringify(stored)).not.toContain(first.body.secret);
    expect((await api.fetch('/v1/webhooks')).text).not.toContain(first.body.secret);
  });

  it('hears of the events that it has chosen, of its project, from where it wants', async () => {
    await enqueue(api, 'before', { project_id: 'mine' });
    const position = await readable(api, 'before');
    await enqueue(api, 'between', { project_id: 'mine' });
    const all = { event_types: ['enq*', 'cancelled'], project_id: 'mine', after: position };
    await makeWebhook(api, `${receiver.url}/chosen`, all);
    await enqueue(api, 'foreign', { project_id: 'theirs' });
    await enqueue(api, 'own', { project_id: 'mine' });
    await api.post('/v1/tasks/own/cancel');
    const messages = await receiver.until('/chosen', 3);
    expect(messages.map(({ body }) => `${body.data.task_id} ${body.type}`).sort()).toEqual([
      'between enqueued',
      'own cancelled',
      'own enqueued',
    ]);
  });

  it('is tried again with a growing pause, under the same id, until the receiver takes it', async () => {
    const { webhook } = await makeWebhook(api, `${receiver.url}/late`);
    receiver.answer('/late', status(500));
    await enqueue(api, 'late');
    const first = await delivery(api, webhook.id, 'has failed once', (each) => each.last_error !== null);
    expect(first).toMatchObject({ status: 'pending', attempts: 1, last_status_code: 500 });
    expect(first.last_error).toBe('It answered 500.');
    const pause = Date.parse(first.next_attempt_at) - Date.parse(first.last_attempt_at);
    expect(pause).toBeGreaterThan(3_500);
    expect(pause).toBeLessThan(7_000);
    expect((await show(webhook.id)).failing_since).not.toBeNull();
    receiver.answer('/late', status(503, { 'retry-after': '600' }));
    await endPauses(api);
    const second = await delivery(
      api,
      webhook.id,
      'has failed twice',
      (each) => each.last_status_code === 503,
    );
    expect(Date.parse(second.next_attempt_at) - Date.parse(second.last_attempt_at)).toBeGreaterThan(599_000);
    receiver.answer('/late', status(200));
    await endPauses(api);
    await delivery(
      api,
      webhook.id,
      'has arrived',
      (each) => each.status === 'delivered' && each.attempts === 3,
    );
    expect(new Set(receiver.at('/late').map(({ id }) => id)).size).toBe(1);
    expect((await show(webhook.id)).failing_since).toBeNull();
  });

  it('has failed when its time is over, and is sent again by hand', async () => {
    const { webhook, secret } = await makeWebhook(api, `${receiver.url}/over`);
    receiver.answer('/over', status(500));
    await enqueue(api, 'over');
    await delivery(api, webhook.id, 'has failed once', (each) => each.last_error !== null);
    await api.query(
      `update webhook_deliveries set retry_until = now(), due_at = now() where webhook_id = $1`,
      [webhook.id],
    );
    const failed = await delivery(api, webhook.id, 'has failed', (each) => each.status === 'failed');
    expect(failed).toMatchObject({ attempts: 2, next_attempt_at: null, last_status_code: 500 });
    receiver.answer('/over', status(200));
    const path = `/v1/webhooks/${webhook.id}/deliveries/${failed.id}/redeliver`;
    expect((await api.post(path)).body.delivery).toMatchObject({ status: 'pending', attempts: 0 });
    await delivery(api, webhook.id, 'has arrived', (each) => each.status === 'delivered');
    const [, , third] = receiver.at('/over');
    if (third === undefined) throw new Error('no third message');
    expect(third.id).toBe(failed.id);
    expect(third.signatures).toEqual([signatureOf(third, secret)]);
  });

  it('is disabled when its receiver answers 410, and goes on where it was when it is enabled again', async () => {
    const { webhook } = await makeWebhook(api, `${receiver.url}/gone`);
    receiver.answer('/gone', status(410));
    await enqueue(api, 'gone');
    await delivery(api, webhook.id, 'has failed', (each) => each.status === 'failed');
    expect(await show(webhook.id)).toMatchObject({
      ...{ enabled: false, disabled_reason: 'gone', disabled_at: expect.any(String) },
    });
    expect(await api.post(`/v1/webhooks/${webhook.id}/test`)).toMatchObject({
      status: 409,
      body: { type: 'urn:skynet:problem:webhook-disabled' },
    });
    await enqueue(api, 'meanwhile');
    receiver.answer('/gone', status(200));
    await api.call('PATCH', `/v1/webhooks/${webhook.id}`, { enabled: true });
    const [, second] = await receiver.until('/gone', 2);
    expect(second?.body.data.task_id).toBe('meanwhile');
    await disable(webhook.id);
    await enqueue(api, 'missed');
    await readable(api, 'missed');
    await api.call('PATCH', `/v1/webhooks/${webhook.id}`, { enabled: true, after: 'now' });
    await enqueue(api, 'heard');
    const [, , third] = await receiver.until('/gone', 3);
    expect(third?.body.data.task_id).toBe('heard');
  });

  it('is disabled after days of nothing but failures', async () => {
    const { webhook } = await makeWebhook(api, `${receiver.url}/days`);
    receiver.answer('/days', status(302, { location: `${receiver.url}/elsewhere` }));
    await enqueue(api, 'days');
    const first = await delivery(api, webhook.id, 'has failed', (each) => each.last_error !== null);
    expect(first.last_error).toContain('redirects are not followed');
    expect(receiver.at('/elsewhere')).toEqual([]);
    await api.query(`update webhooks set failing_since = now() - interval '6 days' where webhook_id = $1`, [
      webhook.id,
    ]);
    await endPauses(api);
    await eventually('it is disabled', async () =>
      (await show(webhook.id)).disabled_reason === 'failing' ? true : undefined,
    );
  });

  it('is signed by both secrets for a while after a rotation', async () => {
    const { webhook, secret } = await makeWebhook(api, `${receiver.url}/rotated`);
    const rotated = (await api.post(`/v1/webhooks/${webhook.id}/rotate-secret`)).body;
    expect(rotated.secret).not.toBe(secret);
    expect(rotated.webhook.previous_secret_until).not.toBeNull();
    await api.post(`/v1/webhooks/${webhook.id}/test`);
    const [both] = await receiver.until('/rotated', 1);
    if (both === undefined) throw new Error('no message');
    expect(both.body).toMatchObject({ type: 'webhook.test', data: { webhook_id: webhook.id } });
    expect(both.signatures).toEqual([signatureOf(both, rotated.secret), signatureOf(both, secret)]);
    const last = (await api.post(`/v1/webhooks/${webhook.id}/rotate-secret`, { overlap_seconds: 0 })).body;
    await api.post(`/v1/webhooks/${webhook.id}/test`);
    const [, one] = await receiver.until('/rotated', 2);
    if (one === undefined) throw new Error('no message');
    expect(one.signatures).toEqual([signatureOf(one, last.secret)]);
  });

  it('that is slow holds up nobody else', async () => {
    let letGo!: () => void;
    const gate = new Promise<void>((done) => (letGo = done));
    const slow = await makeWebhook(api, `${receiver.url}/slow`);
    const quick = await makeWebhook(api, `${receiver.url}/quick`);
    receiver.answer('/slow', async (response) => {
      await gate;
      response.writeHead(200).end();
    });
    for (let index = 0; index < 12; index++) await enqueue(api, `crowd${index}`);
    expect(await receiver.until('/quick', 12)).toHaveLength(12);
    expect(receiver.at('/slow').length).toBeLessThanOrEqual(4);
    letGo();
    expect(await receiver.until('/slow', 12)).toHaveLength(12);
    await disable(slow.webhook.id);
    await disable(quick.webhook.id);
  });

  it('counts as reached by the status of an answer that never ends', async () => {
    const { webhook } = await makeWebhook(api, `${receiver.url}/large`);
    receiver.answer('/large', (response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536))) continue;
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    await enqueue(api, 'large');
    await delivery(api, webhook.id, 'has arrived', (each) => each.status === 'delivered');
    await disable(webhook.id);
  });

  it('is listed in pages, changed and deleted', async () => {
    const { webhook } = await makeWebhook(api, `${receiver.url}/life`, { description: 'x' });
    const changed = await api.call('PATCH', `/v1/webhooks/${webhook.id}`, {
      ...{ event_types: ['failed'], project_id: 'p', description: 'y' },
    });
    expect(changed.body.webhook).toMatchObject({
      event_types: ['failed'],
      project_id: 'p',
      description: 'y',
    });
    const cleared = await api.call('PATCH', `/v1/webhooks/${webhook.id}`, { project_id: '' });
    expect(cleared.body.webhook).toMatchObject({ event_types: ['failed'], project_id: null, enabled: true });
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await api.fetch(`/v1/webhooks?limit=3${cursor}`);
      seen.push(...body.webhooks.map(({ id }: Json) => String(id)));
      if (body.next_cursor === undefined) break;
      cursor = `&cursor=${String(body.next_cursor)}`;
    }
    expect(seen).toContain(webhook.id);
    expect(new Set(seen).size).toBe(seen.length);
    expect((await api.call('DELETE', `/v1/webhooks/${webhook.id}`)).body).toEqual({ ok: true });
    for (const [method, path] of [
      ...[
        ['GET', ''],
        ['PATCH', ''],
        ['DELETE', ''],
        ['POST', '/test'],
        ['POST', '/rotate-secret'],
      ],
      ...[
        ['GET', '/deliveries'],
        ['POST', '/deliveries/x/redeliver'],
      ],
    ] as const) {
      const answer = await api.call(
        method,
        `/v1/webhooks/${webhook.id}${path}`,
        method === 'GET' ? undefined : {},
      );
      expect(answer).toMatchObject({ status: 404, body: { type: 'urn:skynet:problem:webhook-not-found' } });
    }
  });

  it.each([
    [{ event_types: ['nothing'] }, 'event_types'],
    [{ event_types: [] }, 'event_types'],
    [{ url: 'http://10.0.0.1/' }, 'url: The address names a private address'],
    [{ url: 'http://[::ffff:10.0.0.1]/' }, 'url: The address names a private address'],
    [{ url: 'http://169.254.169.254/latest/meta-data' }, 'url: The address names a metadata service'],
    [{ url: 'http://metadata.google.internal/' }, 'url: The address names a metadata service'],
    [{ url: 'https://u:hidden@example.com/' }, 'url: The address must hold no credentials'],
    [{ url: 'gopher://example.com/' }, 'url: The address must begin with https://'],
    [{ after: 'nonsense' }, 'after'],
  ])('is not made of %j', async (wrong, detail) => {
    const wanted = { url: 'https://example.com/', event_types: ['*'], ...wrong };
    const answer = await api.post('/v1/webhooks', wanted);
    expect([answer.status, answer.body.type]).toEqual([422, 'urn:skynet:problem:invalid-request']);
    expect(answer.body.detail).toContain(detail);
    expect(answer.text).not.toContain('hidden');
  });
});
