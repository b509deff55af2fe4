import { expect, it } from '@jest/globals';
import { SlidingWindow } from './sliding-window.js';

it('lets so many through in any window', () => {
  let now = 0;
  const window = new SlidingWindow(2, 100, () => now);
  expect([window.take(), window.take(), window.take()]).toEqual([true, true, false]);
  now = 99;
  expect(window.take()).toBe(false);
  now = 100;
  expect([window.take(), window.take(), window.take()]).toEqual([true, true, false]);
});
