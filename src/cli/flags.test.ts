import { describe, expect, it } from '@jest/globals';
import { countFlag, durationFlag, integerFlag, listFlag, pairsFlag, portFlag } from './flags.js';

describe('a port', () => {
  it.each(['0', '80', '65535'])('may be %s', (value) => expect(portFlag(value)).toBe(value));

  it.each(['', 'x', '-1', '1.5', '65536', '1e3', ' 80', '080000'])('is not %j', (value) =>
    expect(() => portFlag(value)).toThrow('a whole number from 0 to 65535'),
  );
});

describe('a duration', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['10m', 600_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
  ])('%s is %d ms', (value, ms) => expect(durationFlag(value)).toBe(ms));

  it.each(['', '30', '-1s', '1 m', '1y', 's', '1h30m', '1e3s'])('is not %j', (value) =>
    expect(() => durationFlag(value)).toThrow('30s, 10m or 2h'),
  );
});

describe('a number', () => {
  it('may be negative only where that means something', () => {
    expect([integerFlag('-3'), integerFlag('3'), countFlag('0')]).toEqual([-3, 3, 0]);
    expect(() => countFlag('-3')).toThrow('0 or more');
    expect(() => integerFlag('3.5')).toThrow('a whole number');
  });
});

describe('a flag that is repeated', () => {
  it('is collected in order', () => expect(listFlag('b', listFlag('a'))).toEqual(['a', 'b']));

  it('names a variable and its value, which may be empty', () => {
    expect(pairsFlag('B=', pairsFlag('A=x=y\nz'))).toEqual({ A: 'x=y\nz', B: '' });
    expect(() => pairsFlag('=x')).toThrow('NAME=value');
    expect(() => pairsFlag('A')).toThrow('NAME=value');
  });
});
