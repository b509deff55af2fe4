import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { controlPlaneConfig } from '../../src/control-plane/index.js';
import { PaymentsLoop } from '../../src/control-plane/public-api/payments.loop.js';
import { Env } from '../../src/platform/config/env.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { bearer, countJobs, holdLock, makeKey, once, submit } from './fixture.js';
import { decoded, Facilitator, newNonce, paidV1, paidV2, PRICE } from './facilitator.js';

const TIMEOUT_MS = 400;
const run = (...args: string[]) => ({ payload: { kind: 'openclaw-run', args } });

let facilitator: Facilitator;
let api: TestControlPlane;
let other: TestControlPlane;
beforeAll(async () => {
  facilitator = await Facilitator.start();
  const env = {
    SKYCLAW_PUBLIC_API_KEYS: 'env:e:openclaw|gpu',
    SKYCLAW_PUBLIC_RATE_LIMIT_PER_MIN: '0',
    SKYCLAW_X402_FACILITATOR_URL: `${facilitator.url}/`,
    SKYCLAW_X402_FACILITATOR_TOKEN: 'facilitators-own',
    SKYCLAW_X402_TIMEOUT_MS: String(TIMEOUT_MS),
    SKYCLAW_PUBLIC_URL: 'https://api.example',
    SKYCLAW_X402_PRICES: JSON.stringify([
      { capability: 'gpu', price: { ...PRICE, amount: '50000', description: 'A job with a GPU' } },
    ]),
  };
  api = await startTestControlPlane({ env });
  other = await startTestControlPlane({ env, databaseUrl: api.databaseUrl });
});
afterAll(async () => {
  await other.close();
  await api.close();
  await facilitator.close();
});

let secret: string;
let keyId: string;
let before: number;
beforeEach(async () => {
  const made = await makeKey(api, { price: PRICE });
  secret = made.secret;
  keyId = made.key.id;
  before = await countJobs(api);
});
afterEach(() => {
  facilitator.script.verify.length = 0;
  facilitator.script.settle.length = 0;
  facilitator.remembers = true;
});

const newJobs = async () => (await countJobs(api)) - before;
const payments = () =>
  api.query<{ state: string; job_id: string | null; attempts: number }>(
    'select state, job_id, attempts from public_payments where key_id = $1 order by created_at',
    [keyId],
  );
const usedPlaces = async () => {
  const [row] = await api.query('select jobs from public_months where key_id = $1', [keyId]);
  return Number(row?.['jobs'] ?? 0);
};
/** Lets whoever waits for a lease or a pause go on. */
const hurry = () => api.query('update public_payments set due_at = now() where key_id = $1', [keyId]);

describe('a job that has a price', () => {
  it('is answered with what must be paid, in both versions of x402', async () => {
    const { status, body, headers } = await submit(api, secret);
    expect(status).toBe(402);
    expect(body).toEqual({
      x402Version: 1,
      error: 'payment is required',
      accepts: [
        {
          scheme: 'exact',
          network: 'base-sepolia',
          maxAmountRequired: '10000',
          resource: 'https://api.example/v1/public/jobs',
          description: 'A job',
          mimeType: 'application/json',
          payTo: PRICE.payTo,
          maxTimeoutSeconds: 60,
          asset: PRICE.asset,
          extra: PRICE.extra,
        },
      ],
    });
    expect(decoded(headers['payment-required'])).toEqual({
      x402Version: 2,
      error: 'payment is required',
      resource: {
        url: 'https://api.example/v1/public/jobs',
        description: 'A job',
        mimeType: 'application/json',
      },
      accepts: [
        {
          ...{ scheme: 'exact', network: 'eip155:84532', amount: '10000', asset: PRICE.asset },
          ...{ payTo: PRICE.payTo, maxTimeoutSeconds: 60, extra: PRICE.extra },
        },
      ],
    });
    expect(headers['access-control-expose-headers']).toContain('payment-required');
    expect(await newJobs()).toBe(0);
    const preflight = await api.call('OPTIONS', '/v1/public/jobs');
    expect(preflight.headers['access-control-allow-headers']).toContain('payment-signature');
  });

  it('has it by the price list where its key has none, and is free where no entry fits', async () => {
    const asked = await submit(api, 'env');
    expect(asked).toMatchObject({
      status: 402,
      body: { accepts: [{ maxAmountRequired: '50000', description: 'A job with a GPU' }] },
    });
    const free = { ...run(), requirement: { requiredCapabilities: ['openclaw'] } };
    expect((await submit(api, 'env', free)).status).toBe(200);
  });

  it.each([
    ['X-PAYMENT', paidV1, 1, 'base-sepolia'],
    ['PAYMENT-SIGNATURE', paidV2, 2, 'eip155:84532'],
  ] as const)('is taken in with %s: verified and settled once', async (_name, paid, version, network) => {
    const nonce = newNonce();
    const { status, body, headers } = await submit(api, secret, run(), paid(nonce));
    expect({ status, body }).toMatchObject({ status: 200, body: { job: { status: 'queued' } } });
    expect(Object.keys(body)).toEqual(['job']);
    for (const name of ['x-payment-response', 'payment-response']) {
      expect(decoded(headers[name])).toEqual({
        ...{ success: true, transaction: facilitator.taken.get(nonce), network, payer: '0xpayer' },
      });
    }
    const calls = facilitator.calls.filter(
      (call) => call.body.paymentPayload.payload.authorization.nonce === nonce,
    );
    expect(calls.map(({ path }) => path)).toEqual(['/verify', '/settle']);
    for (const call of calls) {
      expect(call.authorization).toBe('Bearer facilitators-own');
      expect(Object.keys(call.body).sort()).toEqual(['paymentPayload', 'paymentRequirements', 'x402Version']);
      expect(call.body).toMatchObject({
        x402Version: version,
        paymentPayload: { x402Version: version },
        paymentRequirements: { scheme: 'exact', network, payTo: PRICE.payTo },
      });
    }
    expect(await newJobs()).toBe(1);
    expect(await payments()).toEqual([{ state: 'settled', job_id: body.job.id, attempts: 1 }]);
    expect(await usedPlaces()).toBe(1);
    expect((await api.fetch(`/v1/public/jobs/${body.job.id}`, bearer(secret))).status).toBe(200);
  });

  it.each([
    ['nonsense', { 'x-payment': 'nonsense' }, 400, 'x-payment is not a payment'],
    ['another version', { 'payment-signature': paidV1()['x-payment'] }, 400, 'is not a payment'],
    [
      'what cannot be stored',
      { 'x-payment': Buffer.from('{"x402Version":1,"a":"\\u0000"}').toString('base64') },
      400,
      'x-payment is not a payment',
    ],
    [
      'an empty account',
      paidV1(newNonce(), 'bad:insufficient_funds'),
      402,
      'the payment was refused: insufficient_funds',
    ],
    ['less', paidV2(newNonce(), { amount: '9999' }), 402, 'the payment is for none of what is accepted'],
    ['payment to another', paidV2(newNonce(), { payTo: '0xthief' }), 402, 'for none of what is accepted'],
    ['another network', paidV2(newNonce(), { network: 'eip155:1' }), 402, 'for none of what is accepted'],
  ])('is not taken in with %s', async (_, header, status, error) => {
    const settles = facilitator.of('settle').length;
    const answer = await submit(api, secret, run(), header);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toContain(error);
    if (status === 402) expect(answer.body.accepts).toHaveLength(1);
    expect(await newJobs()).toBe(0);
    expect(await payments()).toEqual([]);
    expect(await usedPlaces()).toBe(0);
    expect(facilitator.of('settle')).toHaveLength(settles);
  });

  it('is not paid for when it would be refused anyway', async () => {
    const calls = facilitator.calls.length;
    expect((await submit(api, secret, { payload: { kind: 'shell', command: 'x' } }, paidV1())).status).toBe(
      403,
    );
    const { secret: poor } = await makeKey(api, { price: PRICE, monthlyJobs: 0 });
    expect((await submit(api, poor, run(), paidV1())).status).toBe(429);
    expect(facilitator.calls.slice(calls).map(({ path }) => path)).toEqual(['/verify']);
    expect(await newJobs()).toBe(0);
  });
});

describe('one payment', () => {
  it('gives one job to twenty callers of two replicas, with an idempotency key or without one', async () => {
    for (const header of [{}, once()]) {
      before = await countJobs(api);
      const nonce = newNonce();
      const headers = { ...paidV2(nonce), ...header };
      const replies = await Promise.all(
        Array.from({ length: 20 }, (_, n) => submit(n % 2 === 0 ? api : other, secret, run(), headers)),
      );
      expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(200));
      expect(new Set(replies.map(({ body }) => body.job.id)).size).toBe(1);
      expect(facilitator.of('settle', nonce)).toHaveLength(1);
      expect(await newJobs()).toBe(1);
    }
  });

  it('is enough for a key, whatever further payments its repetitions bring', async () => {
    const header = once();
    const nonces = Array.from({ length: 12 }, newNonce);
    const replies = await Promise.all(
      nonces.map((nonce, n) =>
        submit(n % 2 === 0 ? api : other, secret, run(), { ...paidV2(nonce), ...header }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(12).fill(200));
    expect(new Set(replies.map(({ body }) => body.job.id)).size).toBe(1);
    expect(nonces.filter((nonce) => facilitator.taken.has(nonce))).toHaveLength(1);
    expect(await newJobs()).toBe(1);
    expect(await usedPlaces()).toBe(1);
    const later = await submit(api, secret, run(), { ...paidV1(), ...header });
    expect(later.text).toBe(replies[0]?.text);
    expect(later.headers['payment-response']).toBe(replies[0]?.headers['payment-response']);
    expect((await submit(api, secret, run(), header)).text).toBe(later.text);
    expect(await newJobs()).toBe(1);
  });

  it('pays for no other request, key or idempotency key, however it is written', async () => {
    const nonce = newNonce();
    expect((await submit(api, secret, run(), paidV2(nonce))).status).toBe(200);
    const second = await makeKey(api, { price: PRICE });
    const shouted = nonce.toUpperCase().replace('0X', '0x');
    const answers = [
      await submit(api, secret, run('other'), paidV2(nonce)),
      await submit(api, secret, run(), { ...paidV2(nonce), ...once() }),
      await submit(other, second.secret, run(), paidV2(nonce)),
      await submit(api, secret, run('other'), paidV1(nonce)),
      await submit(api, secret, run('other'), paidV1(shouted, '0xelse')),
    ];
    for (const { status, body } of answers) {
      expect({ status, error: body.error }).toEqual({
        ...{ status: 402, error: 'the payment was used for another request' },
      });
    }
    expect(facilitator.of('settle', nonce)).toHaveLength(1);
    expect(await newJobs()).toBe(1);
  });

  it('that turns out to be the transaction of another one gives no job', async () => {
    const nonce = newNonce();
    expect((await submit(api, secret, run(), paidV2(nonce))).status).toBe(200);
    const success = {
      ...{ success: true, transaction: facilitator.taken.get(nonce), network: 'eip155:84532' },
    };
    facilitator.script.settle.push({ status: 200, body: success });
    const { status, body } = await submit(api, secret, run('other'), paidV2());
    expect(status).toBe(402);
    expect(body.error).toBe('the payment was refused: the transaction has paid for another job');
    expect(await newJobs()).toBe(1);
    expect(await usedPlaces()).toBe(1);
  });

  it('that is refused when it is settled leaves no job, and its idempotency key to another payment', async () => {
    const header = once();
    const refusal = { success: false, errorReason: 'insufficient_funds', transaction: '', network: 'x' };
    facilitator.script.settle.push({ status: 200, body: refusal });
    const first = paidV2();
    const refused = await submit(api, secret, run(), { ...first, ...header });
    expect(refused).toMatchObject({
      ...{ status: 402, body: { error: 'the payment was refused: insufficient_funds' } },
    });
    expect(decoded(refused.headers['payment-response'])).toMatchObject({
      ...{ success: false, errorReason: 'insufficient_funds', transaction: '' },
    });
    expect([await newJobs(), await usedPlaces()]).toEqual([0, 0]);
    expect((await submit(api, secret, run(), { ...first, ...header })).status).toBe(402);
    const paid = await submit(other, secret, run(), { ...paidV2(), ...header });
    expect(paid.status).toBe(200);
    expect([await newJobs(), await usedPlaces()]).toEqual([1, 1]);
    expect((await payments()).map(({ state }) => state)).toEqual(['failed', 'settled']);
  });
});

describe('a facilitator', () => {
  it.each([
    ['does not answer', 'hang', 503, 'the payment facilitator cannot be reached'],
    ['hangs up', 'drop', 503, 'the payment facilitator cannot be reached'],
    ['has a fault', { status: 500, body: 'oops' }, 502, 'the payment facilitator answered 500'],
    ['sends elsewhere', { status: 302, headers: { location: '/settle' } }, 502, 'answered 302'],
    ['answers no object', { status: 200, body: '[true]' }, 502, 'the payment facilitator answered 200'],
    ['answers nonsense', { status: 200, body: { isValid: 'yes' } }, 502, 'facilitator answered 200'],
    [
      'floods',
      { status: 200, body: `{"isValid":true,"x":"${'x'.repeat(300_000)}"}` },
      503,
      'cannot be reached',
    ],
  ] as const)(
    'that %s when it verifies takes nothing, and leaves nothing behind',
    async (_, doing, status, error) => {
      facilitator.script.verify.push(doing);
      const nonce = newNonce();
      const answer = await submit(api, secret, run(), paidV2(nonce));
      expect(answer.status).toBe(status);
      expect(answer.body.error).toContain(error);
      expect(facilitator.of('settle', nonce)).toEqual([]);
      expect(await payments()).toEqual([]);
      expect((await submit(api, secret, run(), paidV2(nonce))).status).toBe(200);
      expect(await newJobs()).toBe(1);
    },
  );

  it.each(['and-drop', 'and-hang', 'drop', 'hang'] as const)(
    'whose answer to a settlement is lost (%s) is asked again with the same payment, and nothing is taken twice',
    async (doing) => {
      facilitator.script.settle.push(doing);
      const nonce = newNonce();
      const { status } = await submit(api, secret, run(), paidV2(nonce));
      expect(status).toBe(200);
      const settles = facilitator.of('settle', nonce);
      expect(settles.length).toBeGreaterThanOrEqual(2);
      expect(new Set(settles.map(({ body }) => JSON.stringify(body))).size).toBe(1);
      expect(await newJobs()).toBe(1);
    },
  );

  it.each([
    { status: 500, body: 'oops' },
    { status: 200, body: 'no json' },
    { status: 302, headers: { location: '/verify' } },
    { status: 200, body: { success: false, errorReason: 'settlement_pending' } },
    { status: 400, body: { success: false, errorReason: 'unexpected_settle_error' } },
  ])('that says %j of a settlement has decided nothing', async (doing) => {
    facilitator.script.settle.push(doing);
    const nonce = newNonce();
    expect((await submit(api, secret, run(), paidV2(nonce))).status).toBe(200);
    expect(facilitator.of('settle', nonce)).toHaveLength(2);
    expect(await newJobs()).toBe(1);
  });

  it('that stays silent leaves the payment open: no job, no second payment, and it goes on by itself', async () => {
    facilitator.script.settle.push(...Array<'hang'>(20).fill('hang'));
    const header = once();
    const nonce = newNonce();
    const open = await submit(api, secret, run(), { ...paidV2(nonce), ...header });
    expect(open).toMatchObject({
      status: 503,
      body: { error: expect.stringContaining('it is not known yet') },
    });
    expect(Number(open.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(await newJobs()).toBe(0);
    const second = newNonce();
    expect((await submit(other, secret, run(), { ...paidV2(second), ...header })).status).toBe(503);
    expect(facilitator.of('settle', second)).toEqual([]);
    facilitator.script.settle.length = 0;
    await eventually('the payment has its job', async () => {
      await hurry();
      api.get(PaymentsLoop).nudge();
      return (await newJobs()) === 1 ? true : undefined;
    });
    const answer = await submit(api, secret, run(), header);
    expect(answer.status).toBe(200);
    expect([await newJobs(), await usedPlaces()]).toEqual([1, 1]);
    expect((await payments()).filter(({ job_id }) => job_id === answer.body.job.id)).toHaveLength(1);
    expect(facilitator.taken.has(second)).toBe(false);
  });

  it('that refuses after a lost answer is not believed: the refusal may be the trace of the payment', async () => {
    facilitator.remembers = false;
    facilitator.script.settle.push('and-drop');
    const nonce = newNonce();
    const { status } = await submit(api, secret, run(), paidV2(nonce));
    expect(status).toBe(503);
    expect(facilitator.taken.has(nonce)).toBe(true);
    expect(await newJobs()).toBe(0);
    expect(await payments()).toMatchObject([{ state: 'settling' }]);
    facilitator.remembers = true;
    await hurry();
    expect((await submit(api, secret, run(), paidV2(nonce))).status).toBe(200);
    expect(await newJobs()).toBe(1);
  });

  it.each([
    ['has its job', true, 200, 1],
    ['has failed, and says so', false, 402, 0],
  ])(
    'that cannot say is overruled by whoever has looked at the chain: the payment %s',
    async (_, isOn, status, n) => {
      facilitator.remembers = false;
      facilitator.script.settle.push('and-drop');
      const paid = paidV2();
      expect((await submit(api, secret, run(), paid)).status).toBe(503);
      // As the guide has it.
      const guide = readFileSync('docs/public-api.md', 'utf8');
      const [, failed = '', settled = ''] =
        /(update public_payments set state = 'failed'[^;]*);[^;]*?(update public_payments[^;]*);/.exec(
          guide,
        ) ?? [];
      const [row] = await api.query<{ hash: string }>('select hash from public_payments where key_id = $1', [
        keyId,
      ]);
      await api.query((isOn ? settled : failed).replace('…', row?.hash ?? ''));
      if (isOn) {
        api.get(PaymentsLoop).nudge();
        await eventually('the payment has its job', async () => ((await newJobs()) === 1 ? true : undefined));
      }
      expect((await submit(api, secret, run(), paid)).status).toBe(status);
      expect(await newJobs()).toBe(n);
    },
  );

  it('that is away for a settlement has taken nothing, and is asked again by the next request', async () => {
    let letGo = (): void => undefined;
    const until = new Promise<void>((done) => (letGo = done));
    facilitator.script.verify.push({ until, first: 'take' });
    const nonce = newNonce();
    const first = submit(api, secret, run(), paidV2(nonce));
    await eventually('it verifies', () =>
      Promise.resolve(facilitator.of('verify', nonce).length === 1 ? true : undefined),
    );
    // Between the two calls it goes away.
    const lock = await holdLock(api, 'lock table public_payments in exclusive mode');
    letGo();
    await lock.someoneWaits();
    await facilitator.close();
    await lock.release();
    expect(await first).toMatchObject({
      ...{ status: 503, body: { error: 'the payment facilitator cannot be reached' } },
    });
    expect(await payments()).toMatchObject([{ state: 'verified', job_id: null }]);
    await facilitator.open();
    expect((await submit(other, secret, run(), paidV2(nonce))).status).toBe(200);
    expect(facilitator.of('settle', nonce)).toHaveLength(1);
    expect(facilitator.of('verify', nonce)).toHaveLength(1);
    expect([await newJobs(), await usedPlaces()]).toEqual([1, 1]);
  });
});

describe('a payment that was verified and never settled', () => {
  it('comes to nothing after a while, and gives its place of the month back', async () => {
    const nonce = newNonce();
    facilitator.script.settle.push('hang');
    const asked = submit(api, secret, run(), paidV2(nonce));
    await eventually('it is being settled', () =>
      Promise.resolve(facilitator.of('settle', nonce).length === 1 ? true : undefined),
    );
    await asked;
    const another = newNonce();
    await submit(api, secret, run('x'), paidV2(another));
    await api.query(
      `update public_payments set state = 'verified', settlement = null, job_id = null, wanted = '{}', due_at = now()
       where key_id = $1`,
      [keyId],
    );
    expect(await usedPlaces()).toBe(2);
    api.get(PaymentsLoop).nudge();
    await eventually('they have failed', async () =>
      (await payments()).every(({ state }) => state === 'failed') ? true : undefined,
    );
    expect(await usedPlaces()).toBe(0);
  });
});

describe('SKYCLAW_X402_PRICES', () => {
  const configured = (source: Record<string, string>) => () => controlPlaneConfig(new Env(source)).publicApi;

  it.each([
    ['nowhere.json', /cannot be read/],
    ['{}', /it must be a list/],
    ['[{"price":{}}]', /entry 1: price: amount must be/],
    [JSON.stringify([{ kind: 'x', price: PRICE }]), /kind must be shell or openclaw-run/],
    [JSON.stringify([{ price: { ...PRICE, amount: '0' } }]), /amount must be/],
    [JSON.stringify([{ price: { ...PRICE, scheme: 'upto' } }]), /scheme must be exact/],
    [JSON.stringify([{ price: { accepts: [] } }]), /accepts must be a list/],
  ])('refuses to start with %s: jobs are not given away', (SKYCLAW_X402_PRICES, message) => {
    const SKYCLAW_X402_FACILITATOR_URL = 'https://x402.example';
    expect(configured({ SKYCLAW_X402_PRICES, SKYCLAW_X402_FACILITATOR_URL })).toThrow(message);
  });

  it('refuses to start when nobody could take a payment', () => {
    const SKYCLAW_X402_PRICES = JSON.stringify([{ price: PRICE }]);
    expect(configured({ SKYCLAW_X402_PRICES })).toThrow(/SKYCLAW_X402_FACILITATOR_URL/);
    expect(configured({ SKYCLAW_X402_FACILITATOR_URL: 'ftp://x' })).toThrow(/must be an http\(s\) URL/);
  });
});
