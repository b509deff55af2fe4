import { describe, expect, it } from '@jest/globals';
import * as life from './life.js';
import { nextStep, waitsFor } from './next-step.js';
import { type Plan } from './plan.js';
import { type Project, type ProjectStatus, transitions } from './project.js';

const PLAN: Plan = {
  summary: '',
  testing: null,
  milestones: [
    {
      name: 'M',
      tasks: [
        { id: 'a', title: 'a', action: 'git_add_all', params: {}, files: [], reads: [], dependencies: [] },
      ],
    },
  ],
};

const PROJECT: Project = {
  id: 'project_1',
  slug: 'one',
  name: 'One',
  description: '',
  directory: '/p/one',
  status: 'ideation',
  autoStart: false,
  bootstrap: 'done',
  bootstrapSteps: [],
  bootstrapAttempt: 1,
  plan: null,
  error: '',
  started: false,
  handedIn: false,
  tasksPaused: false,
  settled: true,
};
const in_ = (status: ProjectStatus, more: Partial<Project> = {}): Project => ({
  ...PROJECT,
  status,
  ...more,
});

const VERBS = {
  approve: (project: Project) => life.approve(project),
  start: life.start,
  pause: life.pause,
  resume: life.resume,
  cancel: life.cancel,
  complete: (project: Project) => life.completed(project, ''),
  fail: (project: Project) => life.failed(project, ''),
  plan: (project: Project) => life.plan(project, 1),
  planned: (project: Project) => life.planned(project, PLAN),
  planFailed: (project: Project) => life.planFailed(project, ''),
};

describe('the life of a project', () => {
  it('moves along its transitions only, uses each, and reaches every status', () => {
    const used = new Set<string>();
    for (const from of Object.keys(transitions) as ProjectStatus[]) {
      for (const verb of Object.values(VERBS)) {
        for (const plan of [null, PLAN]) {
          for (const autoStart of [false, true]) {
            try {
              const { project } = verb(in_(from, { plan, autoStart }));
              if (project.status !== from) used.add(`${from} ${project.status}`);
            } catch (error) {
              expect(error).toBeInstanceOf(life.ProjectStateError);
            }
          }
        }
      }
    }
    const all = Object.entries(transitions).flatMap(([from, tos]) => tos.map((to) => `${from} ${to}`));
    expect([...used].sort()).toEqual(all.sort());
  });

  it('begins planning with the idea that makes enough of them, of which at least one is needed', () => {
    const automatic = { enabled: true, minIdeas: 3 };
    expect(life.ideaAdded(PROJECT, 2, automatic).project.status).toBe('ideation');
    expect(life.ideaAdded(PROJECT, 3, automatic).project).toMatchObject({
      status: 'planning',
      autoStart: true,
    });
    expect(life.ideaAdded(PROJECT, 1, { enabled: true, minIdeas: 0 }).project.status).toBe('planning');
    expect(life.ideaAdded(PROJECT, 9, { enabled: false, minIdeas: 3 }).project.status).toBe('ideation');
  });

  it('is started once: one that was paused goes on without a word', () => {
    const first = life.start(in_('approved', { plan: PLAN }));
    expect(first.events.map(({ type }) => type)).toEqual(['started']);
    const again = life.start(life.resume(life.pause(first.project).project).project);
    expect(again).toMatchObject({ project: { status: 'coding' }, events: [] });
  });

  it('has a next step or waits for somebody', () => {
    const executor = { hasExecutor: true };
    expect(nextStep(in_('planning'), executor)).toBe('plan');
    expect(nextStep(in_('planning', { plan: PLAN }), executor)).toBeNull();
    expect(nextStep(in_('approved', { bootstrap: 'deferred' }), { hasExecutor: false })).toBeNull();
    expect(nextStep(in_('approved', { bootstrap: 'deferred' }), executor)).toBe('bootstrap');
    expect(nextStep(in_('coding'), executor)).toBe('follow-tasks');
    expect(nextStep(in_('paused', { settled: false }), executor)).toBe('pause-tasks');
    expect(nextStep(in_('cancelled', { settled: false, bootstrap: 'pending' }), executor)).toBe(
      'cancel-tasks',
    );
    for (const status of ['completed', 'failed', 'cancelled'] as const) {
      expect([nextStep(in_(status), executor), waitsFor(in_(status))]).toEqual([null, null]);
    }
  });
});
