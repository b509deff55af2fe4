import { describe, expect, it } from '@jest/globals';
import { Tail, type TailEntry } from './tail.js';

const at = (txid: number, id = 0) => ({ txid: String(txid), id });
const entry = (txid: number, more: Partial<TailEntry> = {}): TailEntry => ({
  position: at(txid, 1),
  taskId: 't',
  type: 'claimed',
  projectId: undefined,
  text: String(txid),
  ...more,
});
const ANY = { taskId: null, projectId: null, types: null };

describe('a tail', () => {
  it('answers only for what it has seen', () => {
    const tail = new Tail(10, 10);
    expect(tail.after(at(5), ANY)).toBeUndefined();
    tail.begin(at(5));
    expect(tail.after(at(4, 9), ANY)).toBeUndefined();
    expect(tail.after(at(5), ANY)).toEqual({ texts: [], end: at(5) });
    tail.append([entry(6), entry(8)], at(9));
    expect(tail.after(at(5), ANY)).toEqual({ texts: ['6', '8'], end: at(9) });
    expect(tail.after(at(6, 1), ANY)).toEqual({ texts: ['8'], end: at(9) });
    tail.forget();
    expect(tail.after(at(6, 1), ANY)).toBeUndefined();
  });

  it('never leads a follower back who is ahead of it', () => {
    const tail = new Tail(10, 10);
    tail.begin(at(5));
    expect(tail.after(at(7), ANY)).toEqual({ texts: [], end: at(7) });
    tail.append([entry(6), entry(7)], at(8));
    expect(tail.after(at(7), ANY)).toEqual({ texts: ['7'], end: at(8) });
  });

  it('forgets its oldest entries, and then does not answer for their time', () => {
    const tail = new Tail(2, 10);
    tail.begin(at(1));
    tail.append([entry(2), entry(3), entry(4)], at(5));
    expect(tail.after(at(1), ANY)).toBeUndefined();
    expect(tail.after(at(2, 0), ANY)).toBeUndefined();
    expect(tail.after(at(2, 1), ANY)?.texts).toEqual(['3', '4']);
  });

  it('gives a bounded share, and goes on from there', () => {
    const tail = new Tail(10, 2);
    tail.begin(at(1));
    tail.append([entry(2), entry(3), entry(4)], at(5));
    expect(tail.after(at(1), ANY)).toEqual({ texts: ['2', '3'], end: at(3, 1) });
    expect(tail.after(at(3, 1), ANY)).toEqual({ texts: ['4'], end: at(5) });
  });

  it('filters, and passes on what it cannot decide', () => {
    const tail = new Tail(10, 10);
    tail.begin(at(1));
    tail.append(
      [
        entry(2, { taskId: 'a', projectId: 'p' }),
        entry(3, { type: 'failed', projectId: null }),
        entry(4, { projectId: 'q' }),
      ],
      at(5),
    );
    expect(tail.after(at(1), { ...ANY, taskId: 'a' })?.texts).toEqual(['2']);
    expect(tail.after(at(1), { ...ANY, types: ['failed', 'x'] })?.texts).toEqual(['3']);
    expect(tail.after(at(1), { ...ANY, projectId: 'q' })).toEqual({ texts: ['4'], end: at(5) });
    tail.append([entry(6)], at(7));
    expect(tail.after(at(1), { ...ANY, projectId: 'q' })).toBeUndefined();
  });
});
