import { expect, it } from '@jest/globals';
import { TaskIds } from './task-ids.js';

it('makes ids one after another', () => {
  const ids = new TaskIds(() => 0xfe);
  expect([ids.next(), ids.next(), ids.next()]).toEqual([
    ...['task-0000000000ff', 'task-000000000100', 'task-000000000101'],
  ]);
});

it('begins anew at the end of what 12 digits can say', () => {
  const ids = new TaskIds(() => 2 ** 48 - 3);
  expect([ids.next(), ids.next()]).toEqual(['task-fffffffffffe', 'task-000000000000']);
});

it('goes on elsewhere when somebody has an id that it made, and only then', () => {
  const starts = [10_000_000, 41];
  const ids = new TaskIds(() => starts.shift() ?? 0);
  const made = ids.next();
  for (const other of ['mine', 'task-000000000001', 'task-0000ffffffff', 'task-00000098968', ''])
    ids.isTaken(other);
  expect(ids.next()).toBe('task-000000989682');
  ids.isTaken(made);
  expect(ids.next()).toBe('task-00000000002a');
});

it('begins at random', () => {
  const first = () => new TaskIds().next();
  expect(first()).toMatch(/^task-[0-9a-f]{12}$/);
  expect(first()).not.toBe(first());
});
