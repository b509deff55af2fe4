import { expect, it } from '@jest/globals';
import { type Service } from '../../contracts/skyclaw.js';
import { assignmentOf, stepFor } from './service-claim.js';

const ready = (generation: number) => ({ generation, isReady: true });
const starting = (generation: number) => ({ generation, isReady: false });

it('is to start the generation that should run, also where an older one still does', () => {
  const of = (generation: number) => ({ hostId: 'h', slot: 0, generation, restarts: 0 });
  const service = (generation: number) =>
    ({ generation, assignments: [{ ...of(2), hostId: 'other' }, of(1), of(2)] }) as unknown as Service;
  expect(assignmentOf(service(2), 'h', 0)).toMatchObject(of(2));
  expect(assignmentOf(service(1), 'h', 0)).toMatchObject(of(1));
  expect(assignmentOf(service(3), 'h', 0)).toBeUndefined();
  expect(assignmentOf(service(2), 'h', 1)).toBeUndefined();
});

it.each([
  ['nothing runs', [], { kind: 'start', abandon: [] }],
  ['it runs', [ready(2)], { kind: 'report', process: ready(2) }],
  ['it starts', [starting(2)], { kind: 'wait' }],
  ['an older one runs', [ready(1)], { kind: 'start', abandon: [] }],
  ['an older one starts', [starting(1)], { kind: 'start', abandon: [starting(1)] }],
  ['a newer one runs', [ready(3)], { kind: 'start', abandon: [] }],
  [
    'an older one runs and a newer one starts',
    [ready(1), starting(3)],
    { kind: 'start', abandon: [starting(3)] },
  ],
])('generation 2 when %s', (_when, here, step) => {
  expect(stepFor(2, here)).toEqual(step);
});
