import { expect, it } from '@jest/globals';
import { backOffMs } from './back-off.js';

it('grows from seconds to hours and stays there', () => {
  const seconds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 50].map(
    (attempts) => backOffMs(attempts, 0.5, null) / 1_000,
  );
  expect(seconds).toEqual([5, 15, 45, 135, 405, 1_215, 3_645, 10_935, 14_400, 14_400, 14_400]);
});

it('varies by a fifth, and fills a day with some thirteen attempts', () => {
  expect([backOffMs(1, 0, null), backOffMs(1, 1, null)]).toEqual([4_000, 6_000]);
  let [attempts, at] = [1, 0];
  while (at < 24 * 3_600_000) at += backOffMs(attempts++, 0.5, null);
  expect(attempts).toBe(14);
});

it('waits as long as the receiver asks, within four hours', () => {
  expect(backOffMs(1, 0.5, 60_000)).toBe(60_000);
  expect(backOffMs(4, 0.5, 60_000)).toBe(135_000);
  expect(backOffMs(1, 0.5, 1e12)).toBe(4 * 3_600_000);
});
