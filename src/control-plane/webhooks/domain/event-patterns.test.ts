import { expect, it } from '@jest/globals';
import { strangePattern, typesOf } from './event-patterns.js';

const KNOWN = ['failed', 'failed_timeout', 'approval_requested', 'approval_resolved'];

it.each([
  [['*'], KNOWN],
  [['failed'], ['failed']],
  [['failed*'], ['failed', 'failed_timeout']],
  [
    ['approval_*', 'failed'],
    ['failed', 'approval_requested', 'approval_resolved'],
  ],
])('%j stands for %j', (patterns, types) => {
  expect(typesOf(patterns, KNOWN)).toEqual(types);
  expect(strangePattern(patterns, KNOWN)).toBeUndefined();
});

it.each(['', 'fail', 'nothing_*', 'failed**', '*ed', 'failed.*'])('%j stands for nothing', (pattern) =>
  expect(strangePattern(['*', pattern], KNOWN)).toBe(pattern),
);
