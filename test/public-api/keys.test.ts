import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { bearer, countJobs, makeKey, once, submit } from './fixture.js';

const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index));

let api: TestControlPlane;
let other: TestControlPlane;
beforeAll(async () => {
  const env = { SKYCLAW_PUBLIC_API_KEYS: 'alpha:acme', SKYCLAW_PUBLIC_RATE_LIMIT_PER_MIN: '20' };
  api = await startTestControlPlane({ env });
  other = await startTestControlPlane({ env, databaseUrl: api.databaseUrl });
});
afterAll(async () => {
  await other.close();
  await api.close();
});
const either = (index: number) => (index % 2 === 0 ? api : other);

/** Does the work again when a minute of the database's clock ended while it was done. */
async function withinOneMinute<T>(work: () => Promise<T>): Promise<T> {
  const minute = async () =>
    (await api.query<{ m: string }>(`select date_trunc('minute', now())::text as m`))[0]?.m;
  for (;;) {
    const before = await minute();
    const result = await work();
    if ((await minute()) === before) return result;
  }
}

describe('a key', () => {
  it('is made with a secret that is shown once and kept nowhere', async () => {
    const wanted = {
      ...{ label: ' acme ', capabilities: ['b', ' a ', 'a'], shell: true, image: true, network: true },
      ...{ expiresAt: '2999-01-01T00:00:00Z', ratePerMinute: 5, monthlyJobs: 7 },
    };
    const { key, secret } = await makeKey(api, wanted);
    expect(secret).toMatch(/^skc_[0-9a-f]{56}$/);
    expect(key).toEqual({
      ...{ id: expect.stringMatching(/^key_/), label: 'acme', prefix: secret.slice(0, 12) },
      ...{ capabilities: ['a', 'b'], shell: true, image: true, network: true },
      ...{ expiresAt: '2999-01-01T00:00:00.000000+00:00', ratePerMinute: 5, monthlyJobs: 7, price: null },
      ...{ usedThisMonth: 0, createdAt: expect.any(String), lastUsedAt: null, revokedAt: null },
    });
    const { body, text } = await api.fetch('/v1/public-keys');
    expect(body.keys[0]).toEqual(key);
    expect(text).not.toContain(secret);
    const rows = await api.query('select to_jsonb(k)::text as row from public_keys k');
    expect(JSON.stringify(rows)).not.toContain(secret);
  });

  it('repeated by its idempotency key is the same one, without the secret', async () => {
    const header = once();
    const body = { label: 'x', capabilities: ['openclaw'] };
    const first = await api.post('/v1/public-keys', body, header);
    const again = await other.post('/v1/public-keys', body, header);
    expect(again.body).toEqual({ key: first.body.key, secret: null });
    const stored = await api.query('select to_jsonb(k)::text as row from idempotency_keys k');
    expect(JSON.stringify(stored)).not.toContain(first.body.secret);
  });

  it.each([
    [{ capabilities: ['a'] }, 422, 'label'],
    [{ label: ' ', capabilities: ['a'] }, 400, 'label is required'],
    [{ label: 'x' }, 422, 'capabilities'],
    [{ label: 'x', capabilities: [' '] }, 400, 'capabilities must name at least one capability'],
    [{ label: 'x', capabilities: ['a'], expiresAt: '2001-01-01' }, 400, 'expiresAt must lie in the future'],
    [{ label: 'x', capabilities: ['a'], price: { amount: '1' } }, 400, 'price: network must be a text'],
    [
      { label: 'x', capabilities: ['a'], price: { amount: '1', network: 'base', asset: 'a', payTo: 'p' } },
      400,
      'price: nobody could take a payment; set SKYCLAW_X402_FACILITATOR_URL first',
    ],
  ])('is not made of %j', async (body, status, detail) => {
    const answer = await api.post('/v1/public-keys', body);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body.detail).toContain(detail);
  });

  it('is listed in pages, newest first', async () => {
    for (let n = 0; n < 3; n++) await makeKey(api);
    const first = await api.fetch('/v1/public-keys?limit=2');
    const second = await api.fetch(`/v1/public-keys?limit=1000&cursor=${first.body.next_cursor}`);
    const all = await api.fetch('/v1/public-keys?limit=1000');
    expect([...first.body.keys, ...second.body.keys]).toEqual(all.body.keys);
    expect(second.body).not.toHaveProperty('next_cursor');
  });

  it('stops within a second when it is revoked, on every replica, and its jobs stay', async () => {
    const { key, secret } = await makeKey(api, { ratePerMinute: 0 });
    const { body } = await submit(api, secret);
    expect((await submit(other, secret)).status).toBe(200);
    const revoked = await api.post(`/v1/public-keys/${key.id}/revoke`);
    expect(revoked).toMatchObject({ status: 200, body: { key: { revokedAt: expect.any(String) } } });
    const began = performance.now();
    for (const replica of [api, other]) {
      await eventually('the key is refused', async () => {
        const { status, body: refusal } = await submit(replica, secret);
        return status === 401 && refusal.error === 'invalid api key' ? true : undefined;
      });
    }
    expect(performance.now() - began).toBeLessThan(1_500);
    expect((await api.fetch(`/v1/jobs/${body.job.id}`)).status).toBe(200);
    const again = await api.post(`/v1/public-keys/${key.id}/revoke`);
    expect(again.body.key.revokedAt).toBe(revoked.body.key.revokedAt);
    expect(await api.post('/v1/public-keys/none/revoke')).toMatchObject({
      status: 404,
      body: { type: 'urn:skynet:problem:public-key-not-found' },
    });
  });

  it('stops when it expires', async () => {
    const { key, secret } = await makeKey(api, { expiresAt: new Date(Date.now() + 3_600_000).toISOString() });
    await api.query('update public_keys set expires_at = now() where key_id = $1', [key.id]);
    expect((await submit(api, secret)).status).toBe(401);
  });

  it('says when it was last used, written once a minute however often it is', async () => {
    const { key, secret } = await makeKey(api);
    const written = async () =>
      (
        await api.query<{ last_used_at: Date | null; xmin: string }>(
          'select last_used_at, xmin::text from public_keys where key_id = $1',
          [key.id],
        )
      )[0];
    const before = (await written())?.xmin;
    await submit(api, secret);
    const noted = await eventually('its use is written down', async () => {
      const row = await written();
      return row?.last_used_at == null ? undefined : row;
    });
    expect(noted.xmin).not.toBe(before);
    await Promise.all(times(6, (n) => submit(either(n), secret)));
    const second = await makeKey(api);
    await submit(other, second.secret);
    await eventually('a later use of another key is written down', async () => {
      const [row] = await api.query<{ n: string }>(
        'select count(*) as n from public_keys where key_id = $1 and last_used_at is not null',
        [second.key.id],
      );
      return Number(row?.n) === 1 ? true : undefined;
    });
    expect(await written()).toEqual(noted);
  });
});

describe('the rate limit', () => {
  it('counts the requests of a key on all replicas together, and those of another apart', async () => {
    const answers = await withinOneMinute(async () => {
      const { secret } = await makeKey(api, { label: 'one' });
      return Promise.all(times(30, (n) => either(n).fetch('/v1/public/jobs', bearer(secret))));
    });
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(20);
    for (const { headers, body } of refused) {
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
      expect(body.error).toBe('Rate limit exceeded');
    }
    expect((await submit(api, (await makeKey(api, { label: 'one' })).secret)).status).toBe(200);
    expect((await submit(api, 'alpha')).status).toBe(200);
  });

  it('of a key of its own is what counts for it', async () => {
    const statusesWith = (ratePerMinute: number) =>
      withinOneMinute(async () => {
        const { secret } = await makeKey(api, { ratePerMinute });
        const ask = (n: number) => either(n).fetch('/v1/public/jobs/x', bearer(secret));
        return (await Promise.all(times(25, ask))).map(({ status }) => status);
      });
    expect((await statusesWith(2)).filter((status) => status === 404)).toHaveLength(2);
    expect(new Set(await statusesWith(0))).toEqual(new Set([404]));
  });
});

describe('the monthly quota', () => {
  it('lets in as many jobs as it says, on all replicas together, and no refused one counts', async () => {
    const { key, secret } = await makeKey(api, { monthlyJobs: 5, ratePerMinute: 0 });
    const before = await countJobs(api);
    expect((await submit(api, secret, { payload: { kind: 'nonsense' } })).status).toBe(400);
    expect((await submit(api, secret, { payload: { kind: 'shell', command: 'x' } })).status).toBe(403);
    const replies = await Promise.all(times(20, (n) => submit(either(n), secret)));
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(15);
    expect(await countJobs(api)).toBe(before + 5);
    for (const { body, headers } of refused) {
      expect(body.error).toBe('monthly job quota of this api key is used up');
      const seconds = Number(headers['retry-after']);
      const month = new Date();
      const end = Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1);
      expect(Math.abs(Date.now() + seconds * 1_000 - end)).toBeLessThan(60_000);
    }
    const { body } = await api.fetch('/v1/public-keys?limit=1000');
    const shown = body.keys.find(({ id }: { id: string }) => id === key.id);
    expect(shown).toMatchObject({ usedThisMonth: 5, monthlyJobs: 5 });
    await api.query(`update public_months set month = (month - interval '1 month')::date where key_id = $1`, [
      key.id,
    ]);
    expect((await submit(api, secret)).status).toBe(200);
  });

  it('counts a repetition once', async () => {
    const { key, secret } = await makeKey(api, { monthlyJobs: 1, ratePerMinute: 0 });
    const header = once();
    const before = await countJobs(api);
    const replies = await Promise.all(times(20, (n) => submit(either(n), secret, undefined, header)));
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(replies[0]?.status).toBe(200);
    expect(replies.filter(({ headers }) => headers['idempotent-replay'] === undefined)).toHaveLength(1);
    expect(await countJobs(api)).toBe(before + 1);
    const [row] = await api.query('select jobs from public_months where key_id = $1', [key.id]);
    expect(Number(row?.['jobs'])).toBe(1);
    expect((await submit(api, secret, undefined, once())).status).toBe(429);
  });

  it('of none lets nothing in', async () => {
    const { secret } = await makeKey(api, { monthlyJobs: 0 });
    expect((await submit(api, secret)).status).toBe(429);
  });
});
