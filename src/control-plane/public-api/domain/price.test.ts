import { describe, expect, it } from '@jest/globals';
import { priceOf, readPrice, readPrices } from './price.js';

const way = { network: 'base', amount: '5', asset: 'a', payTo: 'p' };

describe('a price', () => {
  it('is one way to pay, or several to choose from', () => {
    const full = { ...way, scheme: 'exact', maxTimeoutSeconds: 60, description: '', extra: {} };
    expect(readPrice(way)).toEqual({ ok: true, price: [full] });
    expect(readPrice({ accepts: [way, { ...way, amount: 7 }] })).toEqual({
      ok: true,
      price: [full, { ...full, amount: '7' }],
    });
    const { amount, ...rest } = way;
    expect(readPrice({ ...rest, maxAmountRequired: amount })).toEqual({ ok: true, price: [full] });
  });

  it.each([
    [null, 'must be an object'],
    [[], 'must be an object'],
    [{ accepts: Array(11).fill(way) }, 'accepts must be a list of 1 to 10 ways to pay'],
    [{ ...way, amount: '-1' }, 'amount must be a whole number above 0, as a text'],
    [{ ...way, amount: '1.5' }, 'amount must be a whole number above 0, as a text'],
    [{ ...way, amount: 2 ** 60 }, 'amount must be a whole number above 0, as a text'],
    [{ ...way, asset: '' }, 'asset must be a text'],
    [{ ...way, payTo: 1 }, 'payTo must be a text'],
    [{ ...way, maxTimeoutSeconds: 0 }, 'maxTimeoutSeconds must be a whole number above 0'],
    [{ ...way, extra: 'x' }, 'extra must be an object'],
  ])('is not %j', (raw, why) => expect(readPrice(raw)).toEqual({ ok: false, why }));
});

it('the first entry of a price list that fits a job counts', () => {
  const read = readPrices([
    { capability: 'gpu', kind: 'shell', price: { ...way, amount: '1' } },
    { capability: 'gpu', price: { ...way, amount: '2' } },
    { kind: 'shell', price: { ...way, amount: '3' } },
  ]);
  const cost = (kind: string, ...capabilities: string[]) =>
    read.ok ? (priceOf(read.rules, { kind, capabilities })?.[0]?.amount ?? null) : 'no list';
  expect([
    cost('shell', 'a', 'gpu'),
    cost('openclaw-run', 'gpu'),
    cost('shell', 'a'),
    cost('openclaw-run', 'a'),
  ]).toEqual(['1', '2', '3', null]);
});
