import { expect, it } from '@jest/globals';
import { backoffAfter } from './backoff.js';

it('doubles the pause from failure to failure, up to two minutes', () => {
  const pauses: number[] = [];
  let due = 5_000;
  for (let failure = 0; failure < 7; failure++) {
    const { pauseMs, nextPauseMs } = backoffAfter(0, due, 5_000);
    pauses.push(pauseMs);
    due = nextPauseMs;
  }
  expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 120_000, 120_000]);
});

it('begins anew after a connection that was stable, and goes on after one that was not', () => {
  expect(backoffAfter(41_000, 40_000, 5_000)).toEqual({ pauseMs: 5_000, nextPauseMs: 10_000 });
  expect(backoffAfter(39_000, 40_000, 5_000)).toEqual({ pauseMs: 40_000, nextPauseMs: 80_000 });
});
