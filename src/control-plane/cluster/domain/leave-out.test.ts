import { expect, it } from '@jest/globals';
import { leaveOut } from './leave-out.js';

const record = (id: string, awaited: readonly string[] = [], unfit: string | null = null) => ({
  ...{ id, awaited, unfit },
});

it('takes all when all can run', () => {
  const records = [record('a'), record('b', ['a'])];
  expect(leaveOut('job', records)).toEqual({ taken: records, remarks: [] });
});

it('leaves out what cannot run and, however far away, what waits for it', () => {
  const chain = Array.from({ length: 1_000 }, (_, n) => record(`c${n}`, n === 0 ? ['bad'] : [`c${n - 1}`]));
  const { taken, remarks } = leaveOut('job', [...chain.reverse(), record('bad', [], 'no'), record('good')]);
  expect(taken.map(({ id }) => id)).toEqual(['good']);
  expect(remarks).toHaveLength(1_001);
  expect(remarks.slice(0, 2)).toEqual([
    { kind: 'job', id: 'bad', text: 'left out: no' },
    { kind: 'job', id: 'c0', text: 'left out: it waits for bad, which was left out' },
  ]);
});
