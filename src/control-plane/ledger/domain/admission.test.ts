import { describe, expect, it } from '@jest/globals';
import {
  type Applicant,
  type Conflict,
  conflictOf,
  type Neighbour,
  sortOut,
  wakeable,
  type Waiter,
} from './admission.js';
import { exclude, UseIndex } from './use-index.js';
import { storedPattern, type WantedFile } from './wanted-files.js';

const file = (text: string, mode: 'read' | 'write' = 'write'): WantedFile => ({
  name: text,
  pattern: storedPattern(text),
  mode,
});
const applicant = (seq: number, files: WantedFile[], more: Partial<Applicant> = {}): Applicant => ({
  ...{ seq, lane: 'l', rank: 0, files, concurrency: null },
  ...more,
});
const neighbour = (
  taskSeq: number,
  standing: Neighbour['standing'],
  use: WantedFile,
  more: Partial<Neighbour> = {},
): Neighbour => ({ ...use, taskSeq, standing, lane: 'l', rank: 0, ...more });
const waiter = (seq: number, reserved: WantedFile[], more: Partial<Waiter> = {}): Waiter => ({
  ...{ seq, lane: 'l', rank: 0, reserved },
  ...more,
});
const judged = (one: Applicant, neighbours: Neighbour[]): Conflict | null =>
  conflictOf(one, new UseIndex(neighbours));
const woken = (waiters: Waiter[], neighbours: Neighbour[] = []) =>
  wakeable(waiters, neighbours).map(({ seq }) => seq);

describe('two uses', () => {
  it('exclude each other when they meet and one of them writes', () => {
    expect(exclude(file('src/'), file('src/a'))).toBe(true);
    expect(exclude(file('src/', 'read'), file('src/a'))).toBe(true);
    expect(exclude(file('src/', 'read'), file('src/a', 'read'))).toBe(false);
    expect(exclude(file('src/*.ts'), file('src/b/c.ts'))).toBe(false);
  });
});

describe('an applicant', () => {
  it('is kept from starting by owners of any lane, first of all', () => {
    const conflict = judged(applicant(5, [file('a'), file('b')]), [
      neighbour(1, 'parked', file('a')),
      neighbour(2, 'held', file('b'), { lane: 'other' }),
    ]);
    expect(conflict).toMatchObject({ ownerSeq: 2, file: { name: 'b' } });
  });

  it('waits behind those of its lane who are ahead, and nobody else', () => {
    const five = applicant(5, [file('a')]);
    expect(judged(five, [neighbour(1, 'parked', file('a'))])).toMatchObject({ ownerSeq: null });
    expect(judged(five, [neighbour(1, 'awake', file('a'))])).toMatchObject({ ownerSeq: null });
    expect(judged(five, [neighbour(9, 'parked', file('a'))])).toBeNull();
    expect(judged(five, [neighbour(9, 'parked', file('a'), { rank: -1 })])).not.toBeNull();
    expect(judged(five, [neighbour(1, 'parked', file('a'), { rank: 1 })])).toBeNull();
    expect(judged(five, [neighbour(1, 'parked', file('a'), { lane: 'other' })])).toBeNull();
  });

  it('is not in its own way', () => {
    expect(judged(applicant(5, [file('a')]), [neighbour(5, 'awake', file('a'))])).toBeNull();
  });
});

describe('applicants with concurrency keys', () => {
  const keyed = (seq: number, limit: number, files: WantedFile[] = []) =>
    applicant(seq, files, { concurrency: { key: 'k', limit } });
  const sorted = (applicants: Applicant[], held = 0, neighbours: Neighbour[] = []) => {
    const { winners, losers, full } = sortOut(applicants, { neighbours, held: new Map([['k', held]]) }, 9);
    const seqs = (all: readonly { seq: number }[]) => all.map(({ seq }) => seq);
    return { winners: seqs(winners), losers: seqs(losers.map((loser) => loser.applicant)), full: seqs(full) };
  };

  it('start while there are places, those before them counted, each by its own limit', () => {
    const four = [keyed(1, 2), keyed(2, 1), keyed(3, 2), keyed(4, 3)];
    expect(sorted(four)).toEqual({ winners: [1, 3, 4], losers: [], full: [2] });
    expect(sorted(four, 2)).toEqual({ winners: [4], losers: [], full: [1, 2, 3] });
  });

  it('that wait for their key keep no file from those behind them', () => {
    const awake = neighbour(1, 'awake', file('a'));
    const behind = applicant(2, [file('a')]);
    // Somebody else may have waited for the file that is passed on: it is left to the next look.
    expect(sorted([keyed(1, 1, [file('a')]), behind], 1, [awake])).toEqual({
      ...{ winners: [], losers: [], full: [1] },
    });
  });

  it('that wait for a file pass their place on before anybody behind them is admitted', () => {
    const owned = neighbour(9, 'held', file('a'));
    const all = [applicant(1, []), keyed(2, 1, [file('a')]), applicant(3, []), applicant(4, [file('a')])];
    expect(sorted(all, 0, [owned])).toEqual({ winners: [1], losers: [2, 4], full: [] });
  });
});

describe('those who wake', () => {
  it('are the first of those who exclude each other, and all who do not', () => {
    expect(woken([waiter(3, [file('a')]), waiter(1, [file('a')]), waiter(2, [file('b')])])).toEqual([1, 2]);
    expect(woken([waiter(1, [file('a')]), waiter(2, [file('a')], { rank: -1 })])).toEqual([2]);
    expect(woken([waiter(1, [file('a', 'read')]), waiter(2, [file('a', 'read')])])).toEqual([1, 2]);
  });

  it('do not overtake a writer that waits ahead of them, although it cannot start itself', () => {
    const readers = [waiter(1, [file('a', 'read')]), waiter(3, [file('a', 'read')])];
    const writer = waiter(2, [file('a')]);
    expect(woken([...readers, writer], [neighbour(9, 'held', file('a', 'read'))])).toEqual([1]);
    expect(woken([writer], [neighbour(9, 'held', file('a', 'read'))])).toEqual([]);
    expect(woken([waiter(3, [file('a', 'read')])], [neighbour(2, 'parked', file('a'))])).toEqual([]);
  });

  it('need all that they reserve', () => {
    expect(woken([waiter(1, [file('a'), file('b')])], [neighbour(2, 'held', file('b'))])).toEqual([]);
    expect(woken([waiter(1, [file('a'), file('b')])], [neighbour(2, 'held', file('c'))])).toEqual([1]);
  });

  it('leave a lane alone in which one is awake for the same, and are not held up by other lanes', () => {
    expect(woken([waiter(2, [file('a')])], [neighbour(1, 'awake', file('a'))])).toEqual([]);
    expect(woken([waiter(2, [file('a')], { lane: 'm' })], [neighbour(1, 'awake', file('a'))])).toEqual([2]);
    expect(woken([waiter(1, [file('a')]), waiter(2, [file('a')], { lane: 'm' })])).toEqual([1, 2]);
  });

  it('are found among thousands that wait for files of their own', () => {
    const count = 20_000;
    const paths = Array.from({ length: count }, (_, n) => file(`src/${n}.ts`));
    const waiters = paths.map((path, n) => waiter(n, [path]));
    const parked = paths.map((path, n) => neighbour(n, 'parked', path));
    expect(woken(waiters, parked)).toHaveLength(count);
    const folder = neighbour(count, 'held', file('src/1/'));
    expect(woken(waiters, [...parked, folder, neighbour(count + 1, 'held', file('src/7.ts'))])).toHaveLength(
      count - 1,
    );
  });
});
