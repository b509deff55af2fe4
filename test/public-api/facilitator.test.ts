import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { PaymentsLoop } from '../../src/control-plane/public-api/payments.loop.js';
import { eventually } from '../support/eventually.js';
import { newNonce, paidV2 } from './facilitator.js';
import { holdLock, once, submit } from './fixture.js';
import { PaidApi, run } from './paid-api.js';

const shop = PaidApi.forTests();

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
      shop.facilitator.script.verify.push(doing);
      const nonce = newNonce();
      const answer = await submit(shop.api, shop.secret, run(), paidV2(nonce));
      expect(answer.status).toBe(status);
      expect(answer.body.error).toContain(error);
      expect(shop.facilitator.of('settle', nonce)).toEqual([]);
      expect(await shop.payments()).toEqual([]);
      expect((await submit(shop.api, shop.secret, run(), paidV2(nonce))).status).toBe(200);
      expect(await shop.newJobs()).toBe(1);
    },
  );

  it.each(['and-drop', 'and-hang', 'drop', 'hang'] as const)(
    'whose answer to a settlement is lost (%s) is asked again with the same payment, and nothing is taken twice',
    async (doing) => {
      shop.facilitator.script.settle.push(doing);
      const nonce = newNonce();
      const { status } = await submit(shop.api, shop.secret, run(), paidV2(nonce));
      expect(status).toBe(200);
      const settles = shop.facilitator.of('settle', nonce);
      expect(settles.length).toBeGreaterThanOrEqual(2);
      expect(new Set(settles.map(({ body }) => JSON.stringify(body))).size).toBe(1);
      expect(await shop.newJobs()).toBe(1);
    },
  );

  it.each([
    { status: 500, body: 'oops' },
    { status: 200, body: 'no json' },
    { status: 302, headers: { location: '/verify' } },
    { status: 200, body: { success: false, errorReason: 'settlement_pending' } },
    { status: 400, body: { success: false, errorReason: 'unexpected_settle_error' } },
  ])('that says %j of a settlement has decided nothing', async (doing) => {
    shop.facilitator.script.settle.push(doing);
    const nonce = newNonce();
    expect((await submit(shop.api, shop.secret, run(), paidV2(nonce))).status).toBe(200);
    expect(shop.facilitator.of('settle', nonce)).toHaveLength(2);
    expect(await shop.newJobs()).toBe(1);
  });

  it('that stays silent leaves the payment open: no job, no second payment, and it goes on by itself', async () => {
    shop.facilitator.script.settle.push(...Array<'hang'>(20).fill('hang'));
    const header = once();
    const nonce = newNonce();
    const open = await submit(shop.api, shop.secret, run(), { ...paidV2(nonce), ...header });
    expect(open).toMatchObject({
      status: 503,
      body: { error: expect.stringContaining('it is not known yet') },
    });
    expect(Number(open.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(await shop.newJobs()).toBe(0);
    const second = newNonce();
    expect((await submit(shop.other, shop.secret, run(), { ...paidV2(second), ...header })).status).toBe(503);
    expect(shop.facilitator.of('settle', second)).toEqual([]);
    shop.facilitator.script.settle.length = 0;
    await eventually('the payment has its job', async () => {
      await shop.hurry();
      shop.api.get(PaymentsLoop).nudge();
      return (await shop.newJobs()) === 1 ? true : undefined;
    });
    const answer = await submit(shop.api, shop.secret, run(), header);
    expect(answer.status).toBe(200);
    expect([await shop.newJobs(), await shop.usedPlaces()]).toEqual([1, 1]);
    expect((await shop.payments()).filter(({ job_id }) => job_id === answer.body.job.id)).toHaveLength(1);
    expect(shop.facilitator.taken.has(second)).toBe(false);
  });

  it('that refuses after a lost answer is not believed: the refusal may be the trace of the payment', async () => {
    shop.facilitator.remembers = false;
    shop.facilitator.script.settle.push('and-drop');
    const nonce = newNonce();
    const { status } = await submit(shop.api, shop.secret, run(), paidV2(nonce));
    expect(status).toBe(503);
    expect(shop.facilitator.taken.has(nonce)).toBe(true);
    expect(await shop.newJobs()).toBe(0);
    expect(await shop.payments()).toMatchObject([{ state: 'settling' }]);
    shop.facilitator.remembers = true;
    await shop.hurry();
    expect((await submit(shop.api, shop.secret, run(), paidV2(nonce))).status).toBe(200);
    expect(await shop.newJobs()).toBe(1);
  });

  it.each([
    ['has its job', true, 200, 1],
    ['has failed, and says so', false, 402, 0],
  ])(
    'that cannot say is overruled by whoever has looked at the chain: the payment %s',
    async (_, isOn, status, n) => {
      shop.facilitator.remembers = false;
      shop.facilitator.script.settle.push('and-drop');
      const paid = paidV2();
      expect((await submit(shop.api, shop.secret, run(), paid)).status).toBe(503);
      // As the guide has it.
      const guide = readFileSync('docs/public-api.md', 'utf8');
      const [, failed = '', settled = ''] =
        /(update public_payments set state = 'failed'[^;]*);[^;]*?(update public_payments[^;]*);/.exec(
          guide,
        ) ?? [];
      const [row] = await shop.api.query<{ hash: string }>(
        'select hash from public_payments where key_id = $1',
        [shop.keyId],
      );
      await shop.api.query((isOn ? settled : failed).replace('…', row?.hash ?? ''));
      if (isOn) {
        shop.api.get(PaymentsLoop).nudge();
        await eventually('the payment has its job', async () =>
          (await shop.newJobs()) === 1 ? true : undefined,
        );
      }
      expect((await submit(shop.api, shop.secret, run(), paid)).status).toBe(status);
      expect(await shop.newJobs()).toBe(n);
    },
  );

  it('that is away for a settlement has taken nothing, and is asked again by the next request', async () => {
    let letGo = (): void => undefined;
    const until = new Promise<void>((done) => (letGo = done));
    shop.facilitator.script.verify.push({ until, first: 'take' });
    const nonce = newNonce();
    const first = submit(shop.api, shop.secret, run(), paidV2(nonce));
    await eventually('it verifies', () =>
      Promise.resolve(shop.facilitator.of('verify', nonce).length === 1 ? true : undefined),
    );
    // Between the two calls it goes away.
    const lock = await holdLock(shop.api, 'lock table public_payments in exclusive mode');
    letGo();
    await lock.someoneWaits();
    await shop.facilitator.close();
    await lock.release();
    expect(await first).toMatchObject({
      ...{ status: 503, body: { error: 'the payment facilitator cannot be reached' } },
    });
    expect(await shop.payments()).toMatchObject([{ state: 'verified', job_id: null }]);
    await shop.facilitator.open();
    expect((await submit(shop.other, shop.secret, run(), paidV2(nonce))).status).toBe(200);
    expect(shop.facilitator.of('settle', nonce)).toHaveLength(1);
    expect(shop.facilitator.of('verify', nonce)).toHaveLength(1);
    expect([await shop.newJobs(), await shop.usedPlaces()]).toEqual([1, 1]);
  });
});

describe('a payment that was verified and never settled', () => {
  it('comes to nothing after a while, and gives its place of the month back', async () => {
    const nonce = newNonce();
    shop.facilitator.script.settle.push('hang');
    const asked = submit(shop.api, shop.secret, run(), paidV2(nonce));
    await eventually('it is being settled', () =>
      Promise.resolve(shop.facilitator.of('settle', nonce).length === 1 ? true : undefined),
    );
    await asked;
    const another = newNonce();
    await submit(shop.api, shop.secret, run('x'), paidV2(another));
    await shop.api.query(
      `update public_payments set state = 'verified', settlement = null, job_id = null, wanted = '{}', due_at = now()
       where key_id = $1`,
      [shop.keyId],
    );
    expect(await shop.usedPlaces()).toBe(2);
    shop.api.get(PaymentsLoop).nudge();
    await eventually('they have failed', async () =>
      (await shop.payments()).every(({ state }) => state === 'failed') ? true : undefined,
    );
    expect(await shop.usedPlaces()).toBe(0);
  });
});
