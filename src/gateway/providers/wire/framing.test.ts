import { describe, expect, it } from '@jest/globals';
import { eventDataOf, jsonLinesOf } from './framing.js';
import { fc } from '../../../../test/support/properties.js';

async function* inPieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    yield bytes.subarray(from, Math.max(from, cut));
    from = Math.max(from, cut);
  }
  yield bytes.subarray(from);
  await Promise.resolve();
}

async function all(texts: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const text of texts) found.push(text);
  return found;
}

const whole = (text: string) => inPieces(Buffer.from(text), []);

describe('a streamed answer', () => {
  it('is cut into the same events wherever its packets end', async () => {
    const texts = fc.array(
      fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\r\n]/.test(text)),
      { minLength: 1 },
    );
    const cuts = fc.array(fc.nat(2_000));
    await fc.assert(
      fc.asyncProperty(texts, cuts, fc.constantFrom('\n', '\r\n'), async (said, at, end) => {
        const text = said.map((one) => `: comment${end}event: x${end}data: ${one}${end}${end}`).join('');
        expect(await all(eventDataOf(inPieces(Buffer.from(text), at)))).toEqual(said);
      }),
    );
  });

  it('may have data in several lines, without a space, and an end that is missing', async () => {
    const events = await all(eventDataOf(whole('\n\ndata:a\ndata: b\nid: 3\n\ndata: c')));
    expect(events).toEqual(['a\nb', 'c']);
    expect(await all(jsonLinesOf(whole('{}\r\n\n [1]\n{}')))).toEqual(['{}', ' [1]', '{}']);
  });

  it('is not read for ever', async () => {
    async function* endless(piece: string): AsyncGenerator<Uint8Array> {
      const bytes = Buffer.from(piece);
      for (;;) yield await Promise.resolve(bytes);
    }
    const long = 'x'.repeat(100_000);
    await expect(all(jsonLinesOf(endless(long)))).rejects.toThrow('more than 4194304 characters');
    await expect(all(eventDataOf(endless(`data: ${long}\n`)))).rejects.toThrow(
      'more than 4194304 characters',
    );
    await expect(all(jsonLinesOf(endless(`${long}\n`)))).rejects.toThrow('more than 67108864 bytes');
  });
});
