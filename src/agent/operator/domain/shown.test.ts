import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { shownToOperator } from './shown.js';

it('shows what will run, a line for each parameter', () => {
  expect(shownToOperator({ action: 'git_push', params: { remote: 'origin', n: 1 }, confirmed: false })).toBe(
    'The gateway asks for: git_push\n  remote: "origin"\n  n: 1',
  );
});

it('lets nothing through that could disguise it', () => {
  const unit = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(unit, unit, unit, (action, name, value) => {
      const shown = shownToOperator({ action, params: { [name]: value }, confirmed: false });
      expect(shown.split('\n').length).toBe(2);
      // eslint-disable-next-line no-control-regex -- these characters are what must not reach the terminal
      expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e]/);
    }),
  );
});

it('is bounded', () => {
  expect(shownToOperator({ action: 'a', params: { content: 'x'.repeat(1e6) }, confirmed: false }).length)
    // The length is told as well.
    .toBeLessThan(2_200);
});
