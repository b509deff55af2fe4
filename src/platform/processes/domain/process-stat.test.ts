import { expect, it } from '@jest/globals';
import { listensOn, parseProcessStat } from './process-stat.js';

const after = '1 42 42 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 987654 1 2 3';

it('reads a process whatever its name is', () => {
  for (const name of ['sh', 'a b', 'x) S 1 1', '((', ') Z 9']) {
    expect(parseProcessStat(`7 (${name}) S ${after}`)).toEqual({
      parent: 1,
      group: 42,
      startTicks: '987654',
      isZombie: false,
    });
  }
  expect(parseProcessStat(`7 (sh) Z ${after}`)?.isZombie).toBe(true);
  expect(parseProcessStat('')).toBeUndefined();
});

it('finds a socket that listens, and no other', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue',
    '   0: 0100007F:0C1C 00000000:0000 0A 00000000:00000000',
    '   1: 0100007F:0C1D 0100007F:0C1C 01 00000000:00000000',
  ].join('\n');
  expect(listensOn(table, 3_100)).toBe(true);
  expect(listensOn(table, 3_101)).toBe(false);
  expect(listensOn(table, 3_102)).toBe(false);
  expect(listensOn('', 3_100)).toBe(false);
});
