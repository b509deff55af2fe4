import { describe, expect, it } from '@jest/globals';
import { KeptOutput } from './kept-output.js';

const feed = (output: KeptOutput, text: string, size: number) => {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) output.add(bytes.subarray(at, at + size));
  return output.text();
};

describe('kept output', () => {
  it.each([1, 3, 7, 1_000])('is one end of what came, in pieces of %i bytes', (size) => {
    const text = Array.from({ length: 500 }, (_, index) => `${index} é€😀`).join('\n');
    const start = feed(new KeptOutput({ from: 'start', maxCharacters: 100 }), text, size);
    // A character that needs two is not halved.
    expect([99, 100]).toContain(start.length);
    expect(text.startsWith(start)).toBe(true);
    const end = feed(new KeptOutput({ from: 'end', maxCharacters: 100 }), text, size);
    expect(end.length).toBe(100);
    expect(text.endsWith(end.slice(1))).toBe(true);
  });

  it('is all of it when there is room', () => {
    expect(feed(new KeptOutput({ from: 'end', maxCharacters: 100 }), 'short', 2)).toBe('short');
  });
});
