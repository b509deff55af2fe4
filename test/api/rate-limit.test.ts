import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { clientOf } from '../../src/control-plane/rate-limits/domain/client.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';

const LIMIT = 60;
const env = { SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: String(LIMIT), SKYNET_TRUSTED_PROXIES: '127.0.0.1' };
let one: TestControlPlane;
let other: TestControlPlane;
beforeAll(async () => {
  one = await startTestControlPlane({ env });
  other = await startTestControlPlane({ env, databaseUrl: one.databaseUrl });
});
afterAll(async () => {
  await other.close();
  await one.close();
});

/** A minute must not end between the calls of a test. */
async function early(): Promise<void> {
  const [row] = await one.query<{ left: number }>(
    `select extract(epoch from date_trunc('minute', now()) + interval '1 minute' - now())::float8 as left`,
  );
  if (Number(row?.left) < 8) await one.query('select pg_sleep($1)', [Number(row?.left) + 0.1]);
}

const from = (at: TestControlPlane, ip: string) => at.fetch('/v1/tasks?limit=0', { 'x-forwarded-for': ip });

describe('the limit of a client', () => {
  it('is one for all replicas, however its requests are spread', async () => {
    await early();
    const calls = Array.from({ length: 3 * LIMIT }, (_, n) => from(n % 2 === 0 ? one : other, '203.0.113.1'));
    const answers = await Promise.all(calls);
    const passed = answers.filter(({ status }) => status === 200).length;
    expect(passed).toBeLessThanOrEqual(LIMIT);
    // What one has taken and does not use is lost to the other.
    expect(passed).toBeGreaterThanOrEqual(LIMIT - 2 * (LIMIT / 20));
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(3 * LIMIT - passed);
    expect((await from(other, '203.0.113.2')).status).toBe(200);
  });

  it('is told with each answer, and when it begins anew', async () => {
    await early();
    const first = await from(one, '198.51.100.7');
    expect(first.headers['ratelimit-policy']).toBe(`"client";q=${LIMIT};w=60`);
    expect(first.headers['ratelimit']).toMatch(new RegExp(`^"client";r=${LIMIT - 1};t=\\d+$`));
    for (let n = 0; n < LIMIT; n++) await from(one, '198.51.100.7');
    const refused = await from(one, '198.51.100.7');
    expect(refused.headers['ratelimit']).toMatch(/^"client";r=0;t=\d+$/);
    expect(refused.headers['retry-after']).toBe(/t=(\d+)$/.exec(refused.headers['ratelimit'] ?? '')?.[1]);
    expect(await one.fetch('/livez')).toMatchObject({ status: 200 });
    expect((await one.fetch('/livez')).headers).not.toHaveProperty('ratelimit');
  });

  it('asks the database for a share of it at a time', async () => {
    await early();
    for (let n = 0; n < 30; n++) await from(one, '198.51.100.9');
    const [row] = await one.query('select requests::int from client_rates where client = $1', [
      '198.51.100.9',
    ]);
    expect(row).toEqual({ requests: 30 });
    await from(one, '198.51.100.9');
    const [more] = await one.query('select requests::int from client_rates where client = $1', [
      '198.51.100.9',
    ]);
    expect(more).toEqual({ requests: 33 });
  });
});

it('a client is an IPv4 address, however it is written, or the /64 of an IPv6 one', () => {
  expect(clientOf('::ffff:203.0.113.5')).toBe('203.0.113.5');
  expect(clientOf('203.0.113.5')).toBe('203.0.113.5');
  expect(clientOf('2001:db8::1')).toBe(clientOf('2001:db8:0:0:ffff::9'));
  expect(clientOf('2001:db8::1')).not.toBe(clientOf('2001:db8:0:1::1'));
  expect(clientOf('unknown')).toBe('unknown');
});
