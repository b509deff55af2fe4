import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { IdleClock, type Watched } from './idle-clock.js';

let clock: IdleClock<Watched & { name: string }>;
afterEach(() => clock.stop());

const expired: string[] = [];
const one = (name: string, lastActiveMs = performance.now()) => ({
  name,
  lastActiveMs,
  clockPlace: -1,
  expire: () => expired.push(name),
});

describe('an idle clock', () => {
  it('knows what is under way, whatever ends first, and ends nothing twice', () => {
    clock = new IdleClock(60_000);
    const [a, b, c] = [one('a'), one('b'), one('c')];
    for (const each of [a, b, c]) clock.add(each);
    clock.delete(a);
    clock.delete(a);
    clock.delete(one('stranger'));
    expect([clock.size, clock.all.map(({ name }) => name).sort()]).toEqual([2, ['b', 'c']]);
    clock.delete(c);
    clock.delete(b);
    expect(clock.size).toBe(0);
  });

  it('expires what has made no progress, and that alone', async () => {
    clock = new IdleClock(100);
    clock.add(one('fresh', performance.now() + 60_000));
    clock.add(one('stale', performance.now() - 60_000));
    await eventually('one expires', () => Promise.resolve(expired[0]));
    expect(new Set(expired)).toEqual(new Set(['stale']));
  });
});
