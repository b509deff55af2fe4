import { describe, expect, it } from '@jest/globals';
import { PLAN_LIMITS, readPlan } from './read-plan.js';
import { fc } from '../../../../test/support/properties.js';

const RULES = { outward: true };
const write = (id: string, more: object = {}) => ({
  id,
  title: `write ${id}`,
  action: 'file_write',
  params: { file: `${id}.txt`, content: '' },
  ...more,
});
const faultsOf = (plan: unknown, rules = RULES) => {
  const read = readPlan(plan, rules);
  return read.ok ? [] : read.faults;
};

describe('a plan', () => {
  it('is read with its defaults; tasks without a milestone are General', () => {
    const read = readPlan(
      {
        milestones: [
          {
            name: 'M',
            tasks: [{ id: 'a', title: 'code', action: 'run_coding_agent', prompt: 'do', files: ['src/'] }],
          },
        ],
        tasks: [write('b', { dependencies: ['a'] })],
      },
      RULES,
    );
    expect(read).toMatchObject({
      ok: true,
      plan: {
        testing: null,
        milestones: [
          {
            tasks: [
              { params: { prompt: 'do', agent: 'codex', working_dir: '.' }, files: ['src/'], reads: [] },
            ],
          },
          { name: 'General', tasks: [{ id: 'b', dependencies: ['a'] }] },
        ],
      },
    });
  });

  it.each([
    ['no object', [], 'the plan should be an object.'],
    ['nothing', {}, 'The plan has no tasks.'],
    ['an empty milestone', { milestones: [{ name: 'M', tasks: [] }] }, 'milestones[0] has no tasks.'],
    ['an id twice', { tasks: [write('a'), write('a')] }, "tasks[1].id 'a' is used twice."],
    ['no title', { tasks: [write('a', { title: '' })] }, 'tasks[0].title should be text.'],
    ['itself', { tasks: [write('a', { dependencies: ['a'] })] }, "Task 'a' depends on itself."],
    [
      'a stranger',
      { tasks: [write('a', { dependencies: ['x'] })] },
      "Task 'a' depends on 'x', which is no task of the plan.",
    ],
    [
      'a later milestone',
      { milestones: [{ name: 'M', tasks: [write('a', { dependencies: ['b'] })] }], tasks: [write('b')] },
      "Task 'a' depends on 'b' of a later milestone.",
    ],
    [
      'a circle',
      {
        tasks: [
          write('a', { dependencies: ['b'] }),
          write('b', { dependencies: ['c'] }),
          write('c', { dependencies: ['a'] }),
        ],
      },
      "Tasks wait for each other: 'a' → 'b' → 'c' → 'a'.",
    ],
    [
      'too many tasks',
      {
        milestones: [0, 1].map((m) => ({
          name: 'M',
          tasks: Array.from({ length: 101 }, (_, n) => write(`${m}-${n}`)),
        })),
      },
      `The plan has 202 tasks; at most ${PLAN_LIMITS.tasks} are allowed.`,
    ],
    [
      'an agent without files',
      { tasks: [{ id: 'a', title: 't', action: 'run_coding_agent', prompt: 'do' }] },
      'tasks[0].files is empty: a coding agent must name what it writes.',
    ],
    [
      'an unknown parameter',
      { tasks: [write('a', { params: { file: 'a', content: '', mode: 'x' } })] },
      'tasks[0].params.mode is not known.',
    ],
    [
      'an unknown runner',
      { tasks: [write('a')], testing: { runner: 'make' } },
      'testing.runner should be one of pytest, npm, node.',
    ],
  ])('with %s is refused', (_what, plan, fault) => expect(faultsOf(plan)).toEqual([fault]));

  it.each([
    '/etc/passwd',
    '../x',
    'a/../../x',
    'C:/x',
    'a\\b',
    '~/x',
    '-rf',
    '.git/config',
    'a/.GIT/x',
    '',
    'a\nb',
    'a/',
  ])('may not write %j', (file) =>
    expect(faultsOf({ tasks: [write('a', { params: { file, content: '' } })] })).not.toEqual([]),
  );

  it('may do what leaves the machine only where that is allowed', () => {
    const plan = { tasks: [{ id: 'a', title: 'push', action: 'git_push' }] };
    expect(faultsOf(plan)).toEqual([]);
    expect(faultsOf(plan, { outward: false })[0]).toContain("tasks[0].action 'git_push' is not one of");
  });

  it('is never more than refused, whatever it is', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => void readPlan(value, RULES)));
    const task = fc.record(
      {
        id: fc.jsonValue(),
        title: fc.jsonValue(),
        action: fc.constantFrom('file_write', 'toString', 'run_tests', 7),
        params: fc.jsonValue(),
        dependencies: fc.jsonValue(),
        files: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(fc.property(fc.array(task), (tasks) => void readPlan({ tasks }, RULES)));
  });
});
