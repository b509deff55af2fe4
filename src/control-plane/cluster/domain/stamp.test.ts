import { describe, expect, it } from '@jest/globals';
import { isNewer, verdictOn } from './stamp.js';

const stamp = (version: number, updatedAt = '', updatedBy = '') => ({ version, updatedAt, updatedBy });

describe('the newer of two records', () => {
  it('has the higher version, then the later time, then the later writer', () => {
    expect(isNewer(stamp(2), stamp(1, '2030', 'z'))).toBe(true);
    expect(isNewer(stamp(1, '2026-01-02'), stamp(1, '2026-01-01', 'z'))).toBe(true);
    expect(isNewer(stamp(1, '2026-01-01', 'b'), stamp(1, '2026-01-01', 'a'))).toBe(true);
    expect(isNewer(stamp(1, '2026-01-01', 'a'), stamp(1, '2026-01-01', 'a'))).toBe(false);
    expect(isNewer(stamp(1), stamp(2))).toBe(false);
  });
});

describe('a record that comes with a snapshot', () => {
  const imported = { ...stamp(5), mark: 'm' };
  const open = { mark: 'm', isFinal: false };
  const ended = { mark: 'm', isFinal: true };
  it.each([
    ['is not here', stamp(1), false, undefined, undefined, 'add'],
    ['was here, and is not any more', stamp(1), false, undefined, imported, 'add'],
    ['was never imported', stamp(9), false, open, undefined, 'leave'],
    ['has been changed here', stamp(9), false, { mark: 'n', isFinal: false }, imported, 'leave'],
    ['is newer', stamp(6), false, open, imported, 'replace'],
    ['is as new', stamp(5), false, open, imported, 'leave'],
    ['would go back', stamp(9), false, ended, imported, 'leave'],
    ['has ended otherwise', stamp(9), true, ended, imported, 'replace'],
  ] as const)('%s', (_, incoming, isFinal, standing, known, verdict) => {
    expect(verdictOn({ ...incoming, isFinal }, standing, known)).toBe(verdict);
  });
});
