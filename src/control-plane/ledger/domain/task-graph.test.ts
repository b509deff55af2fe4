import { describe, expect, it } from '@jest/globals';
import { type NewTask } from './task.js';
import { orderGraph } from './task-graph.js';
import { fc } from '../../../../test/support/properties.js';

const task = (id: string, ...dependencies: string[]) => ({ id, dependencies }) as unknown as NewTask;
const idsOf = (tasks: readonly NewTask[]) => {
  const ordered = orderGraph(tasks);
  return ordered.ok ? ordered.tasks.map(({ id }) => id) : ordered.fault;
};

describe('tasks that are handed in together', () => {
  it('keep their order where they may, and stand after those that they wait for', () => {
    expect(idsOf([task('c', 'b', 'elsewhere'), task('a'), task('b', 'a'), task('d')])).toEqual([
      'a',
      'b',
      'c',
      'd',
    ]);
  });

  it('are refused with what is wrong', () => {
    expect(idsOf([task('a'), task('a')])).toEqual({ kind: 'twice', id: 'a' });
    expect(idsOf([task('a', 'a')])).toEqual({ kind: 'itself', id: 'a' });
    expect(idsOf([task('x', 'a'), task('a', 'b'), task('b', 'c'), task('c', 'a')])).toEqual({
      kind: 'cycle',
      ids: ['a', 'b', 'c'],
    });
  });

  it('may form a chain of any length', () => {
    const chain = Array.from({ length: 50_000 }, (_, n) => task(`t${n}`, `t${n + 1}`));
    expect(idsOf([...chain, task('t50000')])).toHaveLength(50_001);
  });

  it('are ordered, or have a cycle that is one', () => {
    const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 14 });
    fc.assert(
      fc.property(edges, (pairs) => {
        const parents = new Map<number, Set<number>>();
        for (const [child, parent] of pairs) {
          if (child !== parent) parents.set(child, (parents.get(child) ?? new Set()).add(parent));
        }
        const tasks = Array.from({ length: 8 }, (_, n) =>
          task(`${n}`, ...[...(parents.get(n) ?? [])].map(String)),
        );
        const ordered = orderGraph(tasks);
        if (ordered.ok) {
          const place = new Map(ordered.tasks.map(({ id }, index) => [id, index]));
          expect(place.size).toBe(8);
          for (const { id, dependencies } of tasks) {
            for (const parent of dependencies) expect(place.get(parent)).toBeLessThan(place.get(id) ?? -1);
          }
        } else if (ordered.fault.kind === 'cycle') {
          const { ids } = ordered.fault;
          ids.forEach((id, index) => {
            expect(parents.get(Number(id))).toContain(Number(ids[(index + 1) % ids.length]));
          });
        } else throw new Error('No task is given twice or waits for itself.');
      }),
    );
  });
});
