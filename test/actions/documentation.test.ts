import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { actionRules } from '../../src/contracts/actions.js';

it('docs/actions.md has every action with its tier, risk and limit', () => {
  const rows = readFileSync('docs/actions.md', 'utf8').matchAll(
    /^\| `(\w+)` +\| (auto|confirm) +\| (\w+) +\| ([\d,]+) s +\|/gm,
  );
  const documented = [...rows].map(([, action = '', tier, risk, limit = '']) => [
    action,
    { tier, risk, limitSeconds: Number(limit.replace(',', '')) },
  ]);
  expect(Object.fromEntries(documented)).toEqual(actionRules);
});
