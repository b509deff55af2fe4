import { expect, it } from '@jest/globals';
import { shownToOperator } from './shown.js';
import { fc } from '../../../../test/support/properties.js';

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
      // Whatever is no end of a line and not no control character.
      expect(shown).not.toMatch(/[^\n\P{Cc}]|[\u200b-\u200f\u202a-\u202e]/u);
    }),
  );
});

it('writes out what is hidden, in all its parts', () => {
  const params = { text: 'a\u200b\u202e\u0085\u{e0041}b' };
  expect(shownToOperator({ action: 'a', params, confirmed: false })).toContain(
    'a\\u200b\\u202e\\u0085\\udb40\\udc41b',
  );
});

it('is bounded', () => {
  expect(shownToOperator({ action: 'a', params: { content: 'x'.repeat(1e6) }, confirmed: false }).length)
    // The length is told as well.
    .toBeLessThan(2_200);
});
