import { expect, it } from '@jest/globals';
import { offeredCapabilities, parseCapabilityProbes } from './capability-probes.js';

it('reads what must hold for each capability', () => {
  expect(parseCapabilityProbes({ a: { command: ['true'] }, b: { files: ['/x'], env: ['Y'] } })).toEqual([
    { capability: 'a', command: ['true'], files: [], env: [] },
    { capability: 'b', command: [], files: ['/x'], env: ['Y'] },
  ]);
});

it.each([
  [['a'], 'It should be a map'],
  [null, 'It should be a map'],
  [{ a: [] }, 'a should be a map of command, files and env'],
  [{ a: { comand: ['x'] } }, 'a has comand; it knows command, files and env'],
  [{ a: { command: 'x' } }, 'a.command should be a list of texts'],
  [{ a: { env: [1] } }, 'a.env should be a list of texts'],
  [{ a: {} }, 'a asks for nothing'],
])('says what is wrong with %j', (content, reason) => {
  expect(() => parseCapabilityProbes(content)).toThrow(reason);
});

it('offers names trimmed, once, and sorted', () => {
  expect(offeredCapabilities([' b', 'a', ''], ['a', 'c '])).toEqual(['a', 'b', 'c']);
});
