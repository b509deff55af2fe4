import { describe, expect, it } from '@jest/globals';
import { TEXT_LIMITS, TextStream } from './text-stream.js';

describe('the text of a turn', () => {
  it('is told in pieces that follow each other, ever more rarely', () => {
    const stream = new TextStream();
    expect([stream.pauseMs, stream.take()]).toEqual([null, null]);
    stream.add('one ');
    stream.add('two ');
    expect(stream.pauseMs).toBe(1_000);
    expect(stream.take()).toEqual({ offset: 0, text: 'one two ', skipped: 0 });
    stream.add('three');
    expect(stream.pauseMs).toBe(2_000);
    expect(stream.take()).toEqual({ offset: 8, text: 'three', skipped: 0 });
  });

  it('is cut where a piece is too long, and says by how much', () => {
    const stream = new TextStream();
    stream.add('x'.repeat(TEXT_LIMITS.each + 5));
    stream.add('yy');
    expect(stream.take()).toMatchObject({ offset: 0, skipped: 7 });
    stream.add('z');
    expect(stream.take()).toMatchObject({ offset: TEXT_LIMITS.each + 7, text: 'z' });
  });

  it('never takes more events or characters than one attempt may', () => {
    const many = new TextStream();
    const long = new TextStream();
    let [events, characters] = [0, 0];
    for (let index = 0; index < 1_000; index++) {
      many.add('x');
      long.add('x'.repeat(5_000));
      events += many.take() === null ? 0 : 1;
      characters += long.take()?.text.length ?? 0;
    }
    expect([events, characters]).toEqual([TEXT_LIMITS.events, TEXT_LIMITS.all]);
    expect([many.pauseMs, long.pauseMs]).toEqual([null, null]);
  });
});
