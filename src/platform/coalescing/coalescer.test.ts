import { describe, expect, it } from '@jest/globals';
import { Coalescer } from './coalescer.js';
import { fc } from '../../../test/support/properties.js';

/** A run that ends when the test says so. */
class Runs {
  readonly seen: number[][] = [];
  private readonly open: (() => void)[] = [];
  readonly run = async (items: readonly number[]): Promise<number[]> => {
    this.seen.push([...items]);
    await new Promise<void>((done) => this.open.push(done));
    if (items.includes(13)) throw new Error('thirteen');
    return items.map((item) => item * 2);
  };
  end(): void {
    this.open.shift()?.();
  }
}

const turn = () => new Promise((done) => setImmediate(() => setImmediate(done)));
const over = (runs: Runs, more: Partial<ConstructorParameters<typeof Coalescer<number, number>>[0]> = {}) =>
  new Coalescer<number, number>({
    ...{ run: runs.run, maxWeight: 10, maxRuns: 1, concernsAll: () => false },
    ...more,
  });

describe('a coalescer', () => {
  it('runs together what arrives in one turn, and what arrives while a run is under way', async () => {
    const runs = new Runs();
    const coalescer = over(runs);
    const answers = [1, 2, 3].map((item) => coalescer.submit(item));
    await turn();
    answers.push(...[4, 5].map((item) => coalescer.submit(item)));
    await turn();
    expect(runs.seen).toEqual([[1, 2, 3]]);
    runs.end();
    await turn();
    expect(runs.seen).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
    runs.end();
    expect(await Promise.all(answers)).toEqual([2, 4, 6, 8, 10]);
  });

  it('keeps runs within their weight, and runs so many at a time as it may', async () => {
    const runs = new Runs();
    const coalescer = over(runs, { weightOf: (item) => item, maxRuns: 2 });
    const answers = [6, 4, 1, 99, 2].map((item) => coalescer.submit(item));
    await turn();
    await turn();
    expect(runs.seen).toEqual([[6, 4], [1]]);
    for (let n = 0; n < 4; n++) {
      runs.end();
      await turn();
    }
    expect(runs.seen).toEqual([[6, 4], [1], [99], [2]]);
    expect(await Promise.all(answers)).toEqual([12, 8, 2, 198, 4]);
  });

  it('lets an error reach the item that caused it and nobody else', async () => {
    const runs = new Runs();
    const coalescer = over(runs);
    const answers = Promise.allSettled([1, 13, 3].map((item) => coalescer.submit(item)));
    for (let n = 0; n < 4; n++) {
      await turn();
      runs.end();
    }
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(runs.seen).toEqual([[1, 13, 3], [1], [13], [3]]);
  });

  it('tells all when an error concerns all', async () => {
    const runs = new Runs();
    const coalescer = over(runs, { concernsAll: () => true });
    const answers = Promise.allSettled([1, 13].map((item) => coalescer.submit(item)));
    await turn();
    runs.end();
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(runs.seen).toHaveLength(1);
  });

  it('answers everybody with what is theirs, however calls arrive', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 8 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        async (bursts, maxWeight, maxRuns) => {
          const coalescer = new Coalescer<number, number>({
            run: (items) =>
              items.includes(13)
                ? Promise.reject(new Error('thirteen'))
                : Promise.resolve(items.map((item) => item + 100)),
            ...{ maxWeight, maxRuns, concernsAll: () => false },
          });
          const answers: Promise<unknown>[] = [];
          for (const burst of bursts) {
            answers.push(...burst.map((item) => coalescer.submit(item).catch(() => 'refused')));
            await turn();
          }
          const expected = bursts.flat().map((item) => (item === 13 ? 'refused' : item + 100));
          expect(await Promise.all(answers)).toEqual(expected);
        },
      ),
    );
  });
});
