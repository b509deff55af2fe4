import { existsSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { type AnyGateway, eventsOf, ProjectsClient, ProjectsFixture, SMALL_PLAN, task } from './fixture.js';
import { type Program } from '../support/program.js';

jest.setTimeout(120_000);

let fixture: ProjectsFixture;
let gateway: AnyGateway & { readonly program: Program };
let projects: ProjectsClient;

beforeAll(async () => {
  fixture = await ProjectsFixture.create();
  await fixture.startExecutor();
  await restart();
});
afterAll(() => fixture.close());

async function restart(): Promise<void> {
  gateway = await fixture.startProgram();
  projects = new ProjectsClient(gateway);
}

/** Kills the gateway where it is, and starts another. */
async function kill(): Promise<void> {
  await gateway.program.kill('SIGKILL');
  await fixture.timePasses();
  await restart();
}

const IDEAS = ['one', 'two', 'three'];

async function withIdeas(id: string, ideas = IDEAS): Promise<void> {
  for (const idea of ideas) await projects.idea(id, idea);
}

const typesOf = async (id: string): Promise<string[]> =>
  (await eventsOf(fixture, id)).map(({ type }: Json) => type);

async function expectOneLife(id: string): Promise<void> {
  const once = ['created', 'planned', 'plan_approved', 'started', 'completed'];
  const types = await typesOf(id);
  expect(types.filter((type) => once.includes(type) || type === 'created_with_warnings')).toEqual(once);
  for (const type of ['task_started', 'task_completed']) {
    expect(types.filter((found) => found === type)).toHaveLength(7);
  }
  expect(fixture.git((await projects.get(id)).slug, 'log', '--format=%s').split('\n')).toEqual([
    'test: add',
    'feat: add and sub',
    'chore: initialize project scaffold',
  ]);
}

describe('a gateway that is killed', () => {
  it('while it makes the folder leaves that to the next, which repeats nothing', async () => {
    fixture.provider.answersWith(SMALL_PLAN);
    const lost = projects.create('Bootstrapping').catch(() => 'lost');
    await eventually('the folder is there', () =>
      Promise.resolve(existsSync(`${fixture.root}/bootstrapping/README.md`) ? true : undefined),
    );
    await kill();
    await lost;
    const { id } = await projects.until(
      'bootstrapping',
      'it is made',
      ({ bootstrap }) => bootstrap === 'done',
    );
    await withIdeas(id);
    await projects.status(id, 'completed', 30_000);
    await expectOneLife(id);
  });

  it('while a model thinks has the next one ask again', async () => {
    const { id } = await projects.create('Planning');
    const letGo = fixture.provider.hold();
    const before = fixture.provider.asked.length;
    await withIdeas(id);
    const asked = (count: number) =>
      eventually(`the model is asked ${count} times`, () =>
        Promise.resolve(fixture.provider.asked.length === before + count ? true : undefined),
      );
    await asked(1);
    await kill();
    await asked(2);
    expect((await projects.get(id)).status).toBe('planning');
    // The first answer reaches nobody.
    fixture.provider.answersWith(SMALL_PLAN, SMALL_PLAN);
    letGo();
    await projects.status(id, 'completed', 30_000);
    await expectOneLife(id);
  });

  it('while tasks run loses none of them, and hands none in twice', async () => {
    const { id } = await projects.create('Coding');
    fixture.provider.answersWith(SMALL_PLAN);
    await withIdeas(id);
    await projects.until(id, 'a task has run', ({ tasks_done }) => tasks_done > 0);
    await kill();
    await projects.until(id, 'more tasks have run', ({ tasks_done }) => tasks_done > 3, 30_000);
    await kill();
    await projects.status(id, 'completed', 30_000);
    expect(await fixture.tasks(id)).toHaveLength(8);
    await expectOneLife(id);
  });

  it('before the answer to handing in came does not hand in twice', async () => {
    const { id } = await projects.create('Handing In');
    fixture.provider.answersWith(SMALL_PLAN);
    await withIdeas(id);
    await projects.until(id, 'its tasks are known', ({ waits_for }) => waits_for === 'tasks');
    await gateway.program.kill('SIGKILL');
    await fixture.timePasses();
    // As if the process had died right after the control plane had taken the tasks.
    await fixture.sql.query('update gateway.projects set handed_in = false where id = $1', [id]);
    await restart();
    await projects.status(id, 'completed', 30_000);
    expect(await fixture.tasks(id)).toHaveLength(8);
    await expectOneLife(id);
  });

  it('in ideation, paused, or after a word that the ledger has not heard, keeps it', async () => {
    const { id } = await projects.create('Words');
    await withIdeas(id, ['one', 'two']);
    await kill();
    expect(await projects.get(id)).toMatchObject({ status: 'ideation', ideas: ['one', 'two'] });
    const waiting =
      "import { existsSync } from 'node:fs';\nimport test from 'node:test';\n" +
      "test('waits', async () => { while (!existsSync('go')) await new Promise((done) => setTimeout(done, 20)); });\n";
    fixture.provider.answersWith(
      JSON.stringify({
        milestones: [
          { name: 'A', tasks: [task('make', 'file_write', { file: 'slow.test.mjs', content: waiting })] },
          { name: 'B', tasks: [task('run', 'run_tests', { runner: 'node' })] },
          { name: 'C', tasks: [task('stage', 'git_add_all', {})] },
        ],
      }),
    );
    await withIdeas(id, ['three']);
    await projects.until(
      id,
      'the slow task runs',
      ({ plan }) => plan?.milestones[1].tasks[0].status === 'started',
    );
    await projects.order(id, 'pause');
    await kill();
    expect(await projects.get(id)).toMatchObject({ status: 'paused' });
    writeFileSync(`${fixture.root}/words/go`, '');
    await projects.order(id, 'resume');
    await gateway.program.kill('SIGKILL');
    await fixture.timePasses();
    await restart();
    await projects.order(id, 'cancel').then(({ status }) => expect([200, 409]).toContain(status));
    await kill();
    await eventually('no task is left', async () => {
      const left = (await fixture.tasks(id)).filter(
        ({ status }) => !['failed', 'succeeded'].includes(status),
      );
      return left.length === 0 ? true : undefined;
    });
    const types = await typesOf(id);
    expect(types.filter((type) => type === 'started')).toHaveLength(1);
    expect(types.filter((type) => type === 'cancelled')).toHaveLength(1);
  });
});

it('a gateway that is told to end leaves its projects to the next at once', async () => {
  const { id } = await projects.create('Leaving');
  fixture.provider.answersWith(SMALL_PLAN);
  await withIdeas(id);
  await projects.until(id, 'it runs', ({ status }) => status === 'coding');
  expect(await gateway.program.kill('SIGTERM')).toBe(0);
  await restart();
  await projects.status(id, 'completed', 30_000);
  await expectOneLife(id);
});
