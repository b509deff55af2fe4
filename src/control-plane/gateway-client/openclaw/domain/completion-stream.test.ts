import { describe, expect, it } from '@jest/globals';
import { readCompletion } from './completion-stream.js';

async function* inPieces(text: string, size: number): AsyncIterable<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const DONE = 'data: [DONE]\n\n';
const whole = `: hello\n\n${chunk({ role: 'assistant' })}${chunk({ content: 'Grüße, ' })}${chunk({ content: '🦞' })}${chunk({}, 'stop')}${DONE}`;

describe('a streamed completion', () => {
  it.each([1, 7, 10_000])('is put together from pieces of %d bytes', async (size) => {
    const told: string[] = [];
    const end = await readCompletion(inPieces(whole, size), (delta) => told.push(delta));
    expect(end).toEqual({ kind: 'replied', text: 'Grüße, 🦞' });
    expect(told).toEqual(['Grüße, ', '🦞']);
  });

  it.each([
    ['breaks off', chunk({ content: 'a' }), { kind: 'cut' }],
    ['breaks off behind its text', chunk({ content: 'a' }) + chunk({}, 'stop'), { kind: 'cut' }],
    ['is over without a reason', chunk({ content: 'a' }) + DONE, { kind: 'cut' }],
    ['is empty', '', { kind: 'cut' }],
    ['is none', '<html>\n', { kind: 'cut' }],
    [
      'fails',
      `${chunk({ content: 'a' })}data: {"error":{"message":"no model"}}\n\n${DONE}`,
      { kind: 'failed', error: 'no model' },
    ],
    ['fails without a word', `data: {"error":{}}\n\n${DONE}`, { kind: 'failed', error: 'The turn failed.' }],
    ['has lines ended otherwise', whole.replaceAll('\n', '\r\n'), { kind: 'replied', text: 'Grüße, 🦞' }],
  ])('that %s', async (_what, text, end) => {
    expect(await readCompletion(inPieces(text, 100), () => undefined)).toEqual(end);
  });

  it('with a line without an end is refused', async () => {
    const endless = `data: ${'x'.repeat(2_000_000)}`;
    await expect(readCompletion(inPieces(endless, 65_536), () => undefined)).rejects.toThrow(
      'A line of the answer is longer',
    );
  });
});
