import { expect, it } from '@jest/globals';
import { cutOutput } from './output.js';

const MARK = '\n[output truncated]\n';

it('is left alone up to its limit in bytes', () => {
  expect(cutOutput('a'.repeat(50), 50)).toBe('a'.repeat(50));
  expect(cutOutput('é'.repeat(25), 50)).toBe('é'.repeat(25));
});

it('is cut at a character, and says so within its limit', () => {
  expect(cutOutput('a'.repeat(51), 50)).toBe('a'.repeat(30) + MARK);
  expect(cutOutput('é'.repeat(26), 50)).toBe('é'.repeat(15) + MARK);
  expect(cutOutput('😀'.repeat(13), 50)).toBe('😀'.repeat(7) + MARK);
  for (const text of ['x'.repeat(500), 'ü'.repeat(500), '\ud800'.repeat(500)]) {
    expect(Buffer.byteLength(cutOutput(text, 100))).toBeLessThanOrEqual(100);
  }
});

it('that a host has cut is not cut again', () => {
  const cut = 'a'.repeat(50) + MARK;
  expect(cutOutput(cut, 50)).toBe(cut);
  expect(cutOutput('a'.repeat(100) + MARK, 50)).toBe('a'.repeat(30) + MARK);
});
