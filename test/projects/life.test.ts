import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { eventsOf, ProjectsClient, ProjectsFixture, SMALL_PLAN } from './fixture.js';

jest.setTimeout(120_000);

let fixture: ProjectsFixture;
let gateway: RunningGateway;
let projects: ProjectsClient;

beforeAll(async () => {
  fixture = await ProjectsFixture.create();
  gateway = await fixture.start();
  projects = new ProjectsClient(gateway);
});
afterAll(() => fixture.close());

describe('a project', () => {
  it('goes from ideas to a plan, and from its approval to commits, all of it told', async () => {
    fixture.provider.answersWith(`Here it is:\n\`\`\`json\n${SMALL_PLAN}\n\`\`\``);
    const made = await projects.create('Math Library', 'Small functions.');
    expect(made).toMatchObject({
      slug: 'math-library',
      status: 'ideation',
      waits_for: 'ideas',
      bootstrap: 'done',
      bootstrap_summary: 'directory: ok; readme: ok; git_init: ok; git_add: ok; git_commit: ok',
      directory: join(fixture.root, 'math-library'),
    });
    expect(readFileSync(join(fixture.root, 'math-library/README.md'), 'utf8')).toBe(
      '# Math Library\n\nSmall functions.\n',
    );
    for (const idea of ['add', 'subtract']) {
      expect((await projects.idea('math-library', idea)).body.project.status).toBe('ideation');
    }
    expect((await projects.order(made.id, 'plan')).body.project).toMatchObject({ status: 'planning' });
    const planned = await projects.until(
      made.id,
      'it is planned',
      ({ waits_for }) => waits_for === 'approval',
    );
    expect(
      planned.plan.milestones.map(({ name, tasks }: { name: string; tasks: [] }) => [name, tasks.length]),
    ).toEqual([
      ['Core', 4],
      ['Tests', 3],
    ]);
    expect((await projects.idea(made.id, 'late')).body).toMatchObject({
      status: 409,
      detail: "Project 'math-library' is in planning; ideas can only be added in ideation.",
    });
    expect((await projects.order(made.id, 'approve')).body.project.status).toBe('approved');
    const done = await projects.status(made.id, 'completed', 30_000);
    expect(done).toMatchObject({ tasks_done: 7, tasks_total: 7, error: '', waits_for: null });
    expect(fixture.git('math-library', 'log', '--format=%s').split('\n')).toEqual([
      'test: add',
      'feat: add and sub',
      'chore: initialize project scaffold',
    ]);
    expect(fixture.git('math-library', 'status', '--porcelain')).toBe('');

    const events = await eventsOf(fixture, made.id);
    const told = events.map(({ type, message }) => `${type}: ${message}`);
    const review = (name: string, a: number, c: number) =>
      `milestone_review: Milestone review: ${name}\nMilestone progress: ${a}/${a} tasks\nOverall progress: ${c}/7 tasks`;
    expect(told.filter((line) => !line.startsWith('task_'))).toEqual([
      'created: directory: ok; readme: ok; git_init: ok; git_add: ok; git_commit: ok',
      'planned: Plan ready: 2 milestones, 7 tasks.',
      'plan_approved: Plan approved.',
      'started: Project started: 7 tasks in 2 milestones.',
      'milestone_started: Starting milestone 1/2: Core (4 tasks)',
      review('Core', 4, 4),
      'milestone_started: Starting milestone 2/2: Tests (3 tasks)',
      'testing: Running final tests.',
      review('Tests', 3, 7),
      'completed: Project completed: 7/7 tasks.',
    ]);
    for (const type of ['task_started', 'task_completed']) {
      expect(events.filter((event) => event.type === type)).toHaveLength(7);
    }
  });

  it('has a name that no other has', async () => {
    expect(await projects.send('POST', '/projects', { name: 'MATH library!' })).toMatchObject({
      status: 409,
      body: { type: 'urn:skynet:problem:project-exists', detail: "Project 'math-library' already exists." },
    });
    expect(await projects.send('POST', '/projects', { name: '???' })).toMatchObject({ status: 400 });
    expect(await projects.send('POST', '/projects', {})).toMatchObject({ status: 422 });
    expect(await projects.send('GET', '/projects/nobody')).toMatchObject({
      status: 404,
      body: { detail: "Project 'nobody' not found." },
    });
  });

  it('takes a list of ideas as a whole, without what is blank', async () => {
    const { id } = await projects.create('Listed');
    const hand = (body: unknown) => projects.send('POST', `/projects/${id}/ideas`, body);
    expect((await hand({ idea: 'one', ideas: [' two ', '', ' '] })).body.project).toMatchObject({
      status: 'ideation',
      ideas: ['one', 'two'],
    });
    for (const none of [{}, { idea: ' ' }, { ideas: [] }, { ideas: [''] }]) {
      expect(await hand(none)).toMatchObject({
        status: 422,
        body: { detail: 'Give an idea, or ideas that are not all blank.' },
      });
    }
    for (const wrong of [{ ideas: 'one' }, { ideas: [1] }, { idea: 1 }]) {
      expect((await hand(wrong)).status).toBe(422);
    }
    expect((await hand({ ideas: ['a\0'] })).status).toBe(400);
    expect(await hand({ ideas: Array.from({ length: 500 }, () => 'more') })).toMatchObject({
      status: 409,
      body: { detail: "Project 'listed' takes 500 ideas, and has 2." },
    });
    expect((await projects.get(id)).ideas_count).toBe(2);
    fixture.provider.answersWith(SMALL_PLAN);
    expect((await hand({ ideas: ['three', 'four'] })).body.project.status).toBe('planning');
    await projects.status(id, 'completed', 30_000);
    expect((await projects.get(id)).ideas).toEqual(['one', 'two', 'three', 'four']);
  });

  it('plans, approves and starts itself with its third idea', async () => {
    fixture.provider.answersWith(SMALL_PLAN);
    const { id } = await projects.create('Self Starter');
    for (const idea of ['one', 'two', 'three']) await projects.idea(id, idea);
    await projects.status(id, 'completed', 30_000);
    const types = (await eventsOf(fixture, id)).map(({ type }) => type);
    expect(types.filter((type) => ['plan_approved', 'started', 'completed'].includes(type))).toEqual([
      'plan_approved',
      'started',
      'completed',
    ]);
  });
});
