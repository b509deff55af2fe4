import { expect, it } from '@jest/globals';
import { portFlag } from './program.js';

it.each(['0', '80', '65535'])('%s is a port', (value) => expect(portFlag(value)).toBe(value));

it.each(['', 'x', '-1', '1.5', '65536', '1e3', ' 80', '080000'])('%j is no port', (value) =>
  expect(() => portFlag(value)).toThrow('a whole number from 0 to 65535'),
);
