import { expect, it } from '@jest/globals';
import { stepFor } from './service-claim.js';

const ready = (generation: number) => ({ generation, isReady: true });
const starting = (generation: number) => ({ generation, isReady: false });

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
