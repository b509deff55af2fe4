import { describe, expect, it } from '@jest/globals';
import { bootstrapSummary, judgeStep } from './bootstrap.js';
import { below } from './directory.js';
import { ownershipOf } from './plan-paths.js';
import { type Plan, type PlanTask } from './plan.js';
import { progressOf } from './progress.js';
import { type Project } from './project.js';
import { slugOf } from './slug.js';
import { taskGraph } from './task-graph.js';

it.each([
  ['Math Library', 'math-library'],
  ['  Ünïcode & more!  ', 'n-code-more'],
  ['a/b\\..', 'a-b'],
  ['x'.repeat(99), 'x'.repeat(64)],
  ['???', null],
])('the slug of %j is %j', (name, slug) => expect(slugOf(name)).toBe(slug));

it.each([
  ['/srv', 'a/b', '/srv/a/b'],
  ['/srv/', '.', '/srv'],
  ['E:\\MyProjects', 'a/b', 'E:\\MyProjects\\a\\b'],
  ['\\\\host\\share', 'a', '\\\\host\\share\\a'],
])('below %s, %s is %s', (folder, path, whole) => expect(below(folder, path)).toBe(whole));

it.each([
  ['src/a.ts', 'src/a.ts'],
  ['app/[id]/page.tsx', 'app/'],
  ['app/x/[id].tsx', 'app/x/'],
  ['[id].tsx', '**'],
])('whoever writes %s owns %s', (path, owned) => expect(ownershipOf(path)).toBe(owned));

describe('a step of the bootstrap', () => {
  const success = (returncode: number, stdout = '', stderr = '') => ({
    httpStatus: 200,
    status: 'success',
    returncode,
    stdout,
    stderr,
  });
  it.each([
    ['directory', success(0), 'ended', 'directory: ok'],
    ['directory', success(1, '', 'no\n room'), 'ended', 'directory: failed (no room)'],
    ['git_commit', success(1, 'nothing to commit, working tree clean'), 'ended', 'git_commit: ok'],
    ['github', success(0, 'https://github.com/me/x\n'), 'ended', 'github: ok (https://github.com/me/x)'],
    ['github', success(1, '', 'gh: not found'), 'ended', 'github: warning (gh: not found)'],
    ['readme', { httpStatus: 409, error: 'used' }, 'ended', 'readme: failed (used)'],
    ['readme', { httpStatus: 503, error: 'nobody' }, 'deferred', ''],
    ['readme', { httpStatus: 504, error: 'late' }, 'deferred', ''],
    [
      'readme',
      { httpStatus: 200, status: 'error', error: 'Rate limit exceeded: 120 actions per 60s.' },
      'deferred',
      '',
    ],
    ['git_init', success(-1, '', 'Process was killed by the shutdown.'), 'interrupted', ''],
    [
      'github',
      success(-1, '', 'Process was killed by the shutdown.'),
      'ended',
      'github: warning (Process was killed by the shutdown.)',
    ],
  ] as const)('%s that answers %j has %s: %s', (name, answer, kind, summary) => {
    const verdict = judgeStep(name, answer);
    expect(verdict.kind).toBe(kind);
    expect(verdict.kind === 'ended' ? bootstrapSummary([verdict.step]) : '').toBe(summary);
  });
});

const task = (id: string, dependencies: string[] = []): PlanTask => ({
  id,
  title: id,
  action: 'file_write',
  params: { file: `${id}.txt`, content: '' },
  files: [],
  reads: [],
  dependencies,
});
const PLAN: Plan = {
  summary: '',
  testing: { runner: 'npm' },
  milestones: [
    { name: 'A', tasks: [task('a'), task('b', ['a'])] },
    { name: 'B', tasks: [task('c'), task('d', ['c', 'a'])] },
  ],
};

it('a plan becomes one graph, in which a milestone waits for the one before it', () => {
  const graph = taskGraph({ id: 'p', directory: '/x' } as Project, PLAN);
  expect(graph.map(({ task_id, dependencies }) => [task_id, dependencies])).toEqual([
    ['p-task-1', []],
    ['p-task-2', ['p-task-1']],
    ['p-task-3', ['p-task-2']],
    ['p-task-4', ['p-task-3', 'p-task-1']],
    ['p-testing', ['p-task-4']],
  ]);
  expect(graph[0]).toMatchObject({
    params: { file: '/x/a.txt' },
    required_files: ['a.txt'],
    delivery: 'push',
  });
});

describe('progress', () => {
  const seen = (...statuses: string[]) =>
    new Map(
      ['p-task-1', 'p-task-2', 'p-task-3', 'p-task-4', 'p-testing'].map((id, index) => [
        id,
        { status: statuses[index] ?? 'queued', error: statuses[index] === 'failed' ? 'it broke' : '' },
      ]),
    );
  const all = ['succeeded', 'succeeded', 'succeeded', 'succeeded'];

  it('that is seen in one look is told as if it had been watched', () => {
    const { events, end } = progressOf('p', PLAN, new Map(), seen(...all, 'succeeded'));
    expect(events.map(({ type }) => type)).toEqual([
      'milestone_started',
      ...['task_started', 'task_completed', 'task_started', 'task_completed'],
      'milestone_review',
      'milestone_started',
      ...['task_started', 'task_completed', 'task_started', 'task_completed'],
      ...['testing', 'milestone_review'],
    ]);
    expect(end).toEqual({ kind: 'completed', message: 'Project completed: 4/4 tasks.' });
  });

  it('is told once, also of a task that was given back and started again', () => {
    const first = progressOf('p', PLAN, new Map(), seen('running'));
    expect(first.events).toHaveLength(2);
    const second = progressOf('p', PLAN, first.changed, seen('released'));
    expect(second).toMatchObject({ events: [], end: { kind: 'running' } });
    expect(progressOf('p', PLAN, first.changed, seen('running')).changed.size).toBe(0);
  });

  it('tells of final tests that fail, after the review of the last milestone', () => {
    const { events, end } = progressOf('p', PLAN, new Map(), seen(...all, 'failed'));
    expect(events.slice(-3).map(({ type }) => type)).toEqual(['testing', 'milestone_review', 'error']);
    expect(end).toEqual({ kind: 'failed', why: '1 of 5 tasks failed: it broke' });
  });

  it('fails with tasks that the control plane has forgotten', () => {
    expect(progressOf('p', PLAN, new Map(), new Map()).end).toMatchObject({ kind: 'failed' });
  });
});
