import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { eventually } from '../support/eventually.js';
import { type Frame, StreamClient } from '../support/event-stream.js';
import { call, eventsOf, ProjectsClient, ProjectsFixture, SMALL_PLAN, task } from './fixture.js';

jest.setTimeout(120_000);

let fixture: ProjectsFixture;
let gateway: RunningGateway;
let projects: ProjectsClient;

beforeAll(async () => {
  fixture = await ProjectsFixture.create();
  gateway = await fixture.start({ AUTO_APPROVE_AND_START: '0' });
  projects = new ProjectsClient(gateway);
});
afterAll(() => fixture.close());

/** A plan whose only task waits until the test lets it go on. */
function slowPlan(): string {
  const content =
    "import { existsSync } from 'node:fs';\nimport test from 'node:test';\n" +
    "test('waits', async () => { while (!existsSync('go')) await new Promise((done) => setTimeout(done, 20)); });\n";
  return JSON.stringify({
    milestones: [
      { name: 'Slow', tasks: [task('make', 'file_write', { file: 'slow.test.mjs', content })] },
      { name: 'Run', tasks: [task('run', 'run_tests', { runner: 'node' }), task('more', 'git_add_all', {})] },
    ],
  });
}

async function approved(name: string, plan: string): Promise<string> {
  fixture.provider.answersWith(plan);
  const { id } = await projects.create(name);
  await projects.idea(id, 'something');
  await projects.order(id, 'plan');
  await projects.until(id, 'it is planned', ({ waits_for }) => waits_for === 'approval');
  expect((await projects.order(id, 'approve')).status).toBe(200);
  return id;
}

/** Waits until the ledger has a task of a project in a state. */
const inLedger = (id: string, number: number, status: string) =>
  eventually(`task ${number} is ${status}`, async () => {
    const found = (await fixture.tasks(id)).find((entry) => entry.id === `${id}-task-${number}`);
    return found?.status === status ? true : undefined;
  });

describe('a project that runs', () => {
  it('begins nothing new while it is paused, and goes on where it was', async () => {
    const id = await approved('Paused', slowPlan());
    await inLedger(id, 2, 'running');
    expect((await projects.order(id, 'pause')).body.project).toMatchObject({
      status: 'paused',
      waits_for: 'resume',
    });
    expect((await projects.order(id, 'pause')).body.detail).toBe(
      "Project 'paused' is in paused and cannot be paused.",
    );
    const pauses = async () => (await call(fixture.controlPlaneUrl, 'GET', '/v1/pauses')).body.pauses;
    await eventually('the ledger knows of the pause', async () =>
      (await pauses()).length === 1 ? true : undefined,
    );
    writeFileSync(`${fixture.root}/paused/go`, '');
    await inLedger(id, 2, 'succeeded');
    expect((await fixture.tasks(id)).find((entry) => entry.id === `${id}-task-3`).status).toBe('queued');
    expect((await projects.order(id, 'resume')).body.project.status).toBe('approved');
    await projects.status(id, 'completed');
    expect(await pauses()).toEqual([]);
    const types = (await eventsOf(fixture, id)).map(({ type }) => type);
    expect(types.filter((type) => ['started', 'paused', 'resumed', 'completed'].includes(type))).toEqual([
      'started',
      'paused',
      'resumed',
      'completed',
    ]);
  });

  it('is cancelled with its tasks, out of a pause as well', async () => {
    const id = await approved('Cancelled', slowPlan());
    await inLedger(id, 2, 'running');
    await projects.order(id, 'pause');
    expect((await projects.send('DELETE', `/projects/${id}`)).body.detail).toBe(
      "Project 'cancelled' is in paused; cancel it before you remove it.",
    );
    expect((await projects.order(id, 'cancel')).body.project).toMatchObject({
      status: 'cancelled',
      waits_for: null,
    });
    for (const number of [2, 3]) await inLedger(id, number, 'failed');
    const removed = await eventually('it can be removed', async () => {
      const reply = await projects.send('DELETE', `/projects/${id}`);
      return reply.status === 200 ? reply : undefined;
    });
    expect(removed.body).toEqual({ removed: id, directory: `${fixture.root}/cancelled` });
    expect((await projects.send('GET', `/projects/${id}`)).status).toBe(404);
    expect((await call(fixture.controlPlaneUrl, 'GET', '/v1/pauses')).body.pauses).toEqual([]);
    writeFileSync(`${fixture.root}/cancelled/go`, '');
    // Its name is free again; its folder is still there, and so is what was committed.
    expect(await projects.create('Cancelled')).toMatchObject({ slug: 'cancelled', bootstrap: 'done' });
  });

  it('fails with its tasks, and says which and why', async () => {
    const plan = {
      tasks: [
        task('broken', 'git_commit', { message: 'nothing is there to commit' }),
        { ...task('after', 'git_add_all', {}), dependencies: ['broken'] },
      ],
    };
    const id = await approved('Failing', JSON.stringify(plan));
    const failed = await projects.status(id, 'failed');
    expect(failed.error).toBe('2 of 2 tasks failed: Command failed with exit code 1');
    expect(failed.plan.milestones[0].name).toBe('General');
    const told = (await eventsOf(fixture, id)).map(({ type, message }) => `${type}: ${message}`);
    expect(told.slice(-4)).toEqual([
      'milestone_started: Starting milestone 1/1: General (2 tasks)',
      'task_started: Task started: Do broken',
      'error: Task failed: Do broken: Command failed with exit code 1',
      'error: 2 of 2 tasks failed: Command failed with exit code 1',
    ]);
  });
});

describe('a plan', () => {
  it('that is refused goes back to the model once, with every reason', async () => {
    const wrong = {
      milestones: [
        {
          name: 'M',
          tasks: [
            { ...task('a', 'shell_exec', {}), dependencies: ['ghost'] },
            task('b', 'file_write', { file: '../outside', content: '' }),
          ],
        },
      ],
    };
    fixture.provider.answersWith(JSON.stringify(wrong), SMALL_PLAN);
    const { id } = await projects.create('Repaired');
    await projects.idea(id, 'x');
    const before = fixture.provider.asked.length;
    await projects.order(id, 'plan');
    await projects.until(id, 'it is planned', ({ waits_for }) => waits_for === 'approval');
    const asked = fixture.provider.asked.slice(before);
    expect(asked.map(({ messages }) => messages.map(({ role }) => role))).toEqual([
      ['system', 'user'],
      ['system', 'user', 'assistant', 'user'],
    ]);
    const repair = asked[1]?.messages[3]?.content;
    expect(repair).toContain(
      "milestones[0].tasks[0].action 'shell_exec' is not one of run_coding_agent, file_write",
    );
    expect(repair).toContain("milestones[0].tasks[1].params.file '../outside' must not contain '..'.");
    // Another plan may be asked for as long as none is approved.
    fixture.provider.answersWith('no', 'no');
    await projects.order(id, 'plan');
    const back = await projects.status(id, 'ideation');
    expect(back).toMatchObject({
      error: 'The plan was refused: The answer holds no JSON document.',
      plan: null,
    });
  });

  it('that cannot be had brings the project back to ideation, where it can be asked for again', async () => {
    const { id } = await projects.create('Unplanned');
    expect((await projects.order(id, 'plan')).body.detail).toBe(
      "Project 'unplanned' has no ideas to plan from.",
    );
    await projects.idea(id, 'x');
    await projects.order(id, 'plan');
    const back = await projects.until(id, 'it is back', ({ error }) => error !== '');
    expect(back).toMatchObject({
      status: 'ideation',
      error: expect.stringMatching(/^All AI providers failed\. Last error: /),
    });
    fixture.provider.answersWith(SMALL_PLAN);
    await projects.order(id, 'plan');
    await projects.until(id, 'it is planned', ({ waits_for }) => waits_for === 'approval');
  });

  it('is not awaited by a project that is cancelled meanwhile', async () => {
    const letGo = fixture.provider.hold();
    fixture.provider.answersWith(SMALL_PLAN);
    const { id } = await projects.create('Impatient');
    await projects.idea(id, 'x');
    const before = fixture.provider.asked.length;
    await projects.order(id, 'plan');
    await eventually('the model is asked', () =>
      Promise.resolve(fixture.provider.asked.length > before ? true : undefined),
    );
    await projects.order(id, 'cancel');
    letGo();
    expect((await eventsOf(fixture, id)).at(-1)).toMatchObject({ type: 'cancelled' });
    await eventually('nobody works on it', async () => {
      const { rows } = await fixture.sql.query('select holder from gateway.projects where id = $1', [id]);
      return rows[0].holder === null ? true : undefined;
    });
    expect((await projects.get(id)).status).toBe('cancelled');
  });
});

it('a gateway without models says so', async () => {
  const other = await ProjectsFixture.create();
  try {
    const client = new ProjectsClient(await other.start({}, { models: false }));
    const { id } = await client.create('No Models');
    for (const idea of ['1', '2', '3']) await client.idea(id, idea);
    const back = await client.until(id, 'planning has failed', ({ error }) => error !== '');
    expect(back).toMatchObject({
      status: 'ideation',
      // The last of them is Ollama on the gateway's own machine, where there is none.
      error: expect.stringMatching(/^All AI providers failed\. Last error: ollama: /),
    });
  } finally {
    await other.close();
  }
});

it('lists projects page by page, newest first', async () => {
  const first = (await projects.send('GET', '/projects?limit=2')).body;
  const second = (await projects.send('GET', `/projects?limit=1000&cursor=${first.next_cursor}`)).body;
  const all = (await projects.send('GET', '/projects')).body.projects;
  expect([...first.projects, ...second.projects]).toEqual(all);
  expect(second.next_cursor).toBeUndefined();
  expect(all[0]).not.toHaveProperty('plan');
  expect((await projects.send('GET', '/projects?cursor=x')).status).toBe(422);
  expect((await projects.send('GET', '/projects?limit=0')).body).toEqual({ projects: [] });
});

it('the stream tells every event once, resumes where it was left, and ends with the project', async () => {
  const id = await approved('Streamed', SMALL_PLAN);
  const first = await StreamClient.follow(`${gateway.url}/projects/streamed/events`);
  await first.frame('a task', ({ event }) => event === 'task_started');
  first.close();
  const isTold = ({ event }: Frame) => event !== undefined && event !== 'end';
  const heard = first.frames.filter(isTold);
  const rest = await StreamClient.follow(`${gateway.url}/projects/${id}/events`, {
    'last-event-id': first.lastId,
  });
  const end = await rest.frame('the end', ({ event }) => event === 'end');
  expect(JSON.parse(end.data ?? '')).toEqual({ status: 'completed' });
  expect(await rest.over()).toBe('done');
  const told = [...heard, ...rest.frames.filter(isTold)];
  expect(told.map(({ event }) => event)).toEqual((await eventsOf(fixture, id)).map(({ type }) => type));
  expect(new Set(told.map((frame) => frame.id)).size).toBe(told.length);
  expect((await StreamClient.follow(`${gateway.url}/projects/nobody/events`)).status).toBe(404);
});
