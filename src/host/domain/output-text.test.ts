import { expect, it } from '@jest/globals';
import { LEAST_OUTPUT_BYTES, outputText } from './output-text.js';
import { fc } from '../../../test/support/properties.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const MARK = '\n[output truncated]\n';

it('keeps what fits as it is', () => {
  expect(outputText(bytes(''), true, 64)).toBe('');
  expect(outputText(bytes('é'.repeat(32)), true, 64)).toBe('é'.repeat(32));
  expect(outputText(bytes('\uFEFFa'), true, 64)).toBe('\uFEFFa');
});

it('cuts between two characters, and counts the mark', () => {
  expect(outputText(bytes('é'.repeat(50)).subarray(0, 64), false, 64)).toBe('é'.repeat(22) + MARK);
  expect(outputText(bytes('a'.repeat(64)), false, 64)).toBe('a'.repeat(44) + MARK);
});

it('replaces what is no text, and NUL', () => {
  expect(outputText(Uint8Array.of(0x61, 0xff, 0x00, 0x62), true, 64)).toBe('a\uFFFD\uFFFDb');
});

it('is never longer than its bound, and always text', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.boolean(),
      fc.integer({ min: LEAST_OUTPUT_BYTES, max: 200 }),
      (head, isWhole, maxBytes) => {
        const text = outputText(head, isWhole, maxBytes);
        expect(bytes(text).length).toBeLessThanOrEqual(maxBytes);
        expect(text.isWellFormed()).toBe(true);
        expect(text).not.toContain('\0');
        if (!isWhole) expect(text.endsWith(MARK)).toBe(true);
      },
    ),
  );
});
