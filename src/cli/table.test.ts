import { describe, expect, it } from '@jest/globals';
import { age, record, table } from './table.js';

describe('a table', () => {
  it('has columns as wide as their widest cell, and a dash for what is empty', () => {
    expect(
      table(
        ['ID', 'NAME'],
        [
          ['a', ''],
          ['bbb', 'ü😀'],
          ['c', 'd'],
        ],
        undefined,
      ),
    ).toBe('ID   NAME\na    -\nbbb  ü😀\nc    d');
  });

  it('is cut to the width of the terminal', () => {
    expect(table(['ID', 'NAME'], [['a', 'long enough']], 8)).toBe('ID  NAME\na   lon…');
  });

  it('is only its heading without rows', () => expect(table(['ID', 'NAME'], [], undefined)).toBe('ID  NAME'));

  it('does nothing to a terminal', () => {
    expect(table(['A'], [['x\u001b[2J\r\n\u202ey\u009b1m']], undefined)).toBe('A\nx [2J y 1m');
  });
});

it('a record leaves out what has no value', () => {
  expect(record({ id: 'a', error: undefined, reason: '', 'exit code': 0 })).toBe(
    'id         a\nexit code  0',
  );
});

it.each([
  ['2026-01-01T00:00:00.000Z', '0s'],
  ['2025-12-31T23:58:01.000Z', '119s'],
  ['2025-12-31T23:58:00.000Z', '2m'],
  ['2025-12-31T22:00:00.000Z', '2h'],
  ['2025-12-29T23:59:59.000Z', '2d'],
  ['2026-01-01T00:00:09.000Z', '0s'],
  ['no time', ''],
])('%s is %j ago', (instant, text) => expect(age(instant, Date.parse('2026-01-01T00:00:00Z'))).toBe(text));
