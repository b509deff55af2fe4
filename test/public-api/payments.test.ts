import { describe, expect, it } from '@jest/globals';
import { controlPlaneConfig } from '../../src/control-plane/index.js';
import { Env } from '../../src/platform/config/env.js';
import { decoded, newNonce, paidV1, paidV2, PRICE } from './facilitator.js';
import { bearer, makeKey, once, submit } from './fixture.js';
import { PaidApi, run } from './paid-api.js';

const shop = PaidApi.forTests();

describe('a job that has a price', () => {
  it('is answered with what must be paid, in both versions of x402', async () => {
    const { status, body, headers } = await submit(shop.api, shop.secret);
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
    expect(await shop.newJobs()).toBe(0);
    const preflight = await shop.api.call('OPTIONS', '/v1/public/jobs');
    expect(preflight.headers['access-control-allow-headers']).toContain('payment-signature');
  });

  it('has it by the price list where its key has none, and is free where no entry fits', async () => {
    const asked = await submit(shop.api, 'env');
    expect(asked).toMatchObject({
      status: 402,
      body: { accepts: [{ maxAmountRequired: '50000', description: 'A job with a GPU' }] },
    });
    const free = { ...run(), requirement: { requiredCapabilities: ['openclaw'] } };
    expect((await submit(shop.api, 'env', free)).status).toBe(200);
  });

  it.each([
    ['X-PAYMENT', paidV1, 1, 'base-sepolia'],
    ['PAYMENT-SIGNATURE', paidV2, 2, 'eip155:84532'],
  ] as const)('is taken in with %s: verified and settled once', async (_name, paid, version, network) => {
    const nonce = newNonce();
    const { status, body, headers } = await submit(shop.api, shop.secret, run(), paid(nonce));
    expect({ status, body }).toMatchObject({ status: 200, body: { job: { status: 'queued' } } });
    expect(Object.keys(body)).toEqual(['job']);
    for (const name of ['x-payment-response', 'payment-response']) {
      expect(decoded(headers[name])).toEqual({
        ...{ success: true, transaction: shop.facilitator.taken.get(nonce), network, payer: '0xpayer' },
      });
    }
    const calls = shop.facilitator.calls.filter(
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
    expect(await shop.newJobs()).toBe(1);
    expect(await shop.payments()).toEqual([{ state: 'settled', job_id: body.job.id, attempts: 1 }]);
    expect(await shop.usedPlaces()).toBe(1);
    expect((await shop.api.fetch(`/v1/public/jobs/${body.job.id}`, bearer(shop.secret))).status).toBe(200);
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
    const settles = shop.facilitator.of('settle').length;
    const answer = await submit(shop.api, shop.secret, run(), header);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toContain(error);
    if (status === 402) expect(answer.body.accepts).toHaveLength(1);
    expect(await shop.newJobs()).toBe(0);
    expect(await shop.payments()).toEqual([]);
    expect(await shop.usedPlaces()).toBe(0);
    expect(shop.facilitator.of('settle')).toHaveLength(settles);
  });

  it('is not paid for when it would be refused anyway', async () => {
    const calls = shop.facilitator.calls.length;
    expect(
      (await submit(shop.api, shop.secret, { payload: { kind: 'shell', command: 'x' } }, paidV1())).status,
    ).toBe(403);
    const { secret: poor } = await makeKey(shop.api, { price: PRICE, monthlyJobs: 0 });
    expect((await submit(shop.api, poor, run(), paidV1())).status).toBe(429);
    expect(shop.facilitator.calls.slice(calls).map(({ path }) => path)).toEqual(['/verify']);
    expect(await shop.newJobs()).toBe(0);
  });
});

describe('one payment', () => {
  it('gives one job to twenty callers of two replicas, with an idempotency key or without one', async () => {
    for (const header of [{}, once()]) {
      await shop.countFromHere();
      const nonce = newNonce();
      const headers = { ...paidV2(nonce), ...header };
      const replies = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          submit(n % 2 === 0 ? shop.api : shop.other, shop.secret, run(), headers),
        ),
      );
      expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(200));
      expect(new Set(replies.map(({ body }) => body.job.id)).size).toBe(1);
      expect(shop.facilitator.of('settle', nonce)).toHaveLength(1);
      expect(await shop.newJobs()).toBe(1);
    }
  });

  it('is enough for a key, whatever further payments its repetitions bring', async () => {
    const header = once();
    const nonces = Array.from({ length: 12 }, newNonce);
    const replies = await Promise.all(
      nonces.map((nonce, n) =>
        submit(n % 2 === 0 ? shop.api : shop.other, shop.secret, run(), { ...paidV2(nonce), ...header }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(12).fill(200));
    expect(new Set(replies.map(({ body }) => body.job.id)).size).toBe(1);
    expect(nonces.filter((nonce) => shop.facilitator.taken.has(nonce))).toHaveLength(1);
    expect(await shop.newJobs()).toBe(1);
    expect(await shop.usedPlaces()).toBe(1);
    const later = await submit(shop.api, shop.secret, run(), { ...paidV1(), ...header });
    expect(later.text).toBe(replies[0]?.text);
    expect(later.headers['payment-response']).toBe(replies[0]?.headers['payment-response']);
    expect((await submit(shop.api, shop.secret, run(), header)).text).toBe(later.text);
    expect(await shop.newJobs()).toBe(1);
  });

  it('pays for no other request, key or idempotency key, however it is written', async () => {
    const nonce = newNonce();
    expect((await submit(shop.api, shop.secret, run(), paidV2(nonce))).status).toBe(200);
    const second = await makeKey(shop.api, { price: PRICE });
    const shouted = nonce.toUpperCase().replace('0X', '0x');
    const answers = [
      await submit(shop.api, shop.secret, run('other'), paidV2(nonce)),
      await submit(shop.api, shop.secret, run(), { ...paidV2(nonce), ...once() }),
      await submit(shop.other, second.secret, run(), paidV2(nonce)),
      await submit(shop.api, shop.secret, run('other'), paidV1(nonce)),
      await submit(shop.api, shop.secret, run('other'), paidV1(shouted, '0xelse')),
    ];
    for (const { status, body } of answers) {
      expect({ status, error: body.error }).toEqual({
        ...{ status: 402, error: 'the payment was used for another request' },
      });
    }
    expect(shop.facilitator.of('settle', nonce)).toHaveLength(1);
    expect(await shop.newJobs()).toBe(1);
  });

  it('that turns out to be the transaction of another one gives no job', async () => {
    const nonce = newNonce();
    expect((await submit(shop.api, shop.secret, run(), paidV2(nonce))).status).toBe(200);
    const success = {
      ...{ success: true, transaction: shop.facilitator.taken.get(nonce), network: 'eip155:84532' },
    };
    shop.facilitator.script.settle.push({ status: 200, body: success });
    const { status, body } = await submit(shop.api, shop.secret, run('other'), paidV2());
    expect(status).toBe(402);
    expect(body.error).toBe('the payment was refused: the transaction has paid for another job');
    expect(await shop.newJobs()).toBe(1);
    expect(await shop.usedPlaces()).toBe(1);
  });

  it('that is refused when it is settled leaves no job, and its idempotency key to another payment', async () => {
    const header = once();
    const refusal = { success: false, errorReason: 'insufficient_funds', transaction: '', network: 'x' };
    shop.facilitator.script.settle.push({ status: 200, body: refusal });
    const first = paidV2();
    const refused = await submit(shop.api, shop.secret, run(), { ...first, ...header });
    expect(refused).toMatchObject({
      ...{ status: 402, body: { error: 'the payment was refused: insufficient_funds' } },
    });
    expect(decoded(refused.headers['payment-response'])).toMatchObject({
      ...{ success: false, errorReason: 'insufficient_funds', transaction: '' },
    });
    expect([await shop.newJobs(), await shop.usedPlaces()]).toEqual([0, 0]);
    expect((await submit(shop.api, shop.secret, run(), { ...first, ...header })).status).toBe(402);
    const paid = await submit(shop.other, shop.secret, run(), { ...paidV2(), ...header });
    expect(paid.status).toBe(200);
    expect([await shop.newJobs(), await shop.usedPlaces()]).toEqual([1, 1]);
    expect((await shop.payments()).map(({ state }) => state)).toEqual(['failed', 'settled']);
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
