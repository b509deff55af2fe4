import { describe, expect, it } from '@jest/globals';
import { type Contender, isFull, keysOf, wakeableForKeys } from './concurrency.js';

const contender = (seq: number, more: Partial<Contender> = {}): Contender => ({
  ...{ seq, key: 'k', limit: 2, lane: 'l', rank: 0, isParked: true },
  ...more,
});
const woken = (contenders: Contender[], held: [string, number][] = []) =>
  wakeableForKeys(contenders, new Map(held)).sort((a, b) => a - b);

describe('a key', () => {
  it('is full when as many are held as the task allows, and never for a task without one', () => {
    const held = new Map([['k', 2]]);
    expect([1, 2, 3].map((limit) => isFull({ key: 'k', limit }, held))).toEqual([true, true, false]);
    expect(isFull({ key: 'other', limit: 1 }, held)).toBe(false);
    expect(isFull(null, held)).toBe(false);
  });

  it('is named once, however many have it', () => {
    const k = { concurrency: { key: 'k', limit: 1 } };
    expect(keysOf([k, { concurrency: null }, k, { concurrency: { key: 'l', limit: 1 } }])).toEqual([
      'k',
      'l',
    ]);
  });
});

describe('those who wake for a key', () => {
  it('are the first in the order of service, as many as there are places', () => {
    const three = [contender(3), contender(1), contender(2, { rank: -1 })];
    expect(woken(three)).toEqual([1, 2]);
    expect(woken(three, [['k', 1]])).toEqual([2]);
    expect(woken(three, [['k', 2]])).toEqual([]);
    expect(woken(three, [['k', 7]])).toEqual([]);
  });

  it('are fewer by those who are runnable and came first, and go before those who came later', () => {
    const runnable = (seq: number) => contender(seq, { isParked: false });
    expect(woken([runnable(1), contender(2), contender(3)])).toEqual([2]);
    expect(woken([runnable(1), runnable(2), contender(3)])).toEqual([]);
    expect(woken([contender(1), contender(2), runnable(3), runnable(4)])).toEqual([1, 2]);
  });

  it('do not wait for other lanes, limits and keys', () => {
    const first = contender(1, { isParked: false, limit: 1 });
    expect(woken([first, contender(2, { limit: 1, lane: 'm' })])).toEqual([2]);
    expect(woken([first, contender(2)])).toEqual([2]);
    expect(woken([first, contender(2, { limit: 1, key: 'other' })], [['k', 1]])).toEqual([2]);
  });
});
