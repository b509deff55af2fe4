import { expect, it } from '@jest/globals';
import { leaseViolationsIn } from './lease-violations.js';

it.each([
  [{ status: 'success', result: { returncode: 0, lease_violations: ['a', 'b'] } }, ['a', 'b']],
  [{ returncode: 0, lease_violations: ['a'] }, ['a']],
  [{ result: { returncode: 0 } }, []],
  [{ result: 'text', lease_violations: ['a'] }, ['a']],
  [{ result: { lease_violations: 'a' } }, []],
  [{ result: { lease_violations: [1, null, 'a', {}] } }, ['a']],
  [{}, []],
])('%j has %j', (report, paths) => {
  expect(leaseViolationsIn(report)).toEqual(paths);
});

it('names so many and no more', () => {
  const paths = leaseViolationsIn({ lease_violations: Array.from({ length: 500 }, () => 'x'.repeat(5_000)) });
  expect(paths).toHaveLength(200);
  expect(paths[0]).toHaveLength(1_000);
});
