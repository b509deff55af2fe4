import { describe, expect, it } from '@jest/globals';
import { Persistence, verdictOf } from './alerting.js';

describe('what is told of a component', () => {
  const every = 300_000;
  it.each([
    ['nothing while it is up', { isDown: false, alertedAgoMs: null }, 0, null],
    ['an alert when it goes down', { isDown: false, alertedAgoMs: null }, 1, 'alert'],
    ['nothing while it stays down', { isDown: true, alertedAgoMs: 299_999 }, 2, null],
    ['another alert after 300 s', { isDown: true, alertedAgoMs: 300_000 }, 1, 'alert'],
    ['a recovery once', { isDown: true, alertedAgoMs: 10 }, 0, 'recovery'],
    ['nothing of one that comes and goes', { isDown: false, alertedAgoMs: 10 }, 1, null],
    ['nothing of a recovery that follows nothing', { isDown: false, alertedAgoMs: 10 }, 0, null],
  ] as const)('is %s', (_what, standing, failures, verdict) => {
    expect(verdictOf(standing, failures, every)).toBe(verdict);
  });
});

describe('a component', () => {
  it('counts as down after two looks in a row', () => {
    const looks = [true, false, true, true, true, false, true];
    const persistence = new Persistence();
    expect(looks.map((isDown) => persistence.note(isDown, false))).toEqual([
      ...[false, false, false, true, true, false, false],
    ]);
  });

  it('is not judged in the time of grace', () => {
    const persistence = new Persistence();
    const looks = [true, true, true].map((isDown) => persistence.note(isDown, true));
    expect(looks).toEqual([false, false, false]);
    expect(persistence.note(true, false)).toBe(false);
    expect(persistence.note(true, false)).toBe(true);
  });
});
