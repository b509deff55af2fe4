import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { eventually } from '../support/eventually.js';
import {
  AGENTS,
  eventsOf,
  nobodyThere,
  ProjectsClient,
  ProjectsFixture,
  SMALL_PLAN,
  task,
} from './fixture.js';

jest.setTimeout(120_000);

let fixture: ProjectsFixture;
let gateways: RunningGateway[];
let clients: ProjectsClient[];

beforeAll(async () => {
  fixture = await ProjectsFixture.create();
  gateways = [await fixture.start(AGENTS), await fixture.start(AGENTS), await fixture.start(AGENTS)];
  clients = gateways.map((gateway) => new ProjectsClient(gateway));
});
afterAll(() => fixture.close());

const client = (index = 0) => clients[index % clients.length] ?? new ProjectsClient({ url: '' });

const countOf = async (id: string, type: string): Promise<number> =>
  (await eventsOf(fixture, id)).filter((event) => event.type === type).length;

it('starts once, however many ideas and approvals come at the same moment at several gateways', async () => {
  fixture.provider.alwaysAnswers(SMALL_PLAN);
  const { id } = await client().create('Racing');
  const before = fixture.provider.asked.length;
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0
        ? client(index).idea(id, `idea ${index}`)
        : client(index).order(id, index % 4 === 1 ? 'approve' : 'plan'),
    ),
  );
  expect(replies.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
  // Whoever planned with fewer ideas has it planned by hand; then all approve at once.
  await client().until(id, 'there is a plan', ({ plan }) => plan !== null);
  await Promise.all(Array.from({ length: 20 }, (_, index) => client(index).order(id, 'approve')));
  await client().status(id, 'completed', 30_000);
  for (const type of ['plan_approved', 'started', 'completed'])
    expect([type, await countOf(id, type)]).toEqual([type, 1]);
  expect(fixture.provider.asked.length - before).toBe(await countOf(id, 'planned'));
  expect(await fixture.tasks(id)).toHaveLength(8);
});

it('makes a project once, however many want its name', async () => {
  const replies = await Promise.all(
    Array.from({ length: 9 }, (_, index) => client(index).send('POST', '/projects', { name: 'Wanted' })),
  );
  expect(replies.map(({ status }) => status).sort()).toEqual([200, ...Array(8).fill(409)]);
});

it('runs three projects at once; the fourth queues until one of them has ended', async () => {
  const waits =
    "import { existsSync } from 'node:fs';\nimport test from 'node:test';\n" +
    "test('waits', async () => { while (!existsSync('go')) await new Promise((done) => setTimeout(done, 20)); });\n";
  fixture.provider.alwaysAnswers(
    JSON.stringify({
      tasks: [
        task('make', 'file_write', { file: 'slow.test.mjs', content: waits }),
        { ...task('run', 'run_tests', { runner: 'node' }), dependencies: ['make'] },
      ],
    }),
  );
  const ids: string[] = [];
  for (const index of [1, 2, 3, 4]) {
    const { id } = await client(index).create(`Queue ${index}`);
    for (const idea of ['a', 'b', 'c']) await client(index).idea(id, idea);
    await client().until(id, 'it is approved', ({ status }) => status === 'approved' || status === 'coding');
    if (index < 4) await client().status(id, 'coding');
    ids.push(id);
  }
  const [first = '', second = '', , fourth = ''] = ids;
  expect(await client().get(fourth)).toMatchObject({ status: 'approved', waits_for: 'a free place' });
  // A pause gives the place away, and the resumed one queues behind.
  await client().order(second, 'pause');
  await client().status(fourth, 'coding');
  await client().order(second, 'resume');
  expect(await client().get(second)).toMatchObject({ status: 'approved', waits_for: 'a free place' });
  const { rows } = await fixture.sql.query("select id from gateway.projects where status = 'coding'");
  expect(rows).toHaveLength(3);
  for (const index of [1, 2, 3, 4]) writeFileSync(join(fixture.root, `queue-${index}`, 'go'), '');
  for (const id of [first, ...ids]) await client().status(id, 'completed', 30_000);
});

it('lets no file be written by two of 30 tasks at once, on three agents', async () => {
  const detach = await Promise.all(gateways.map((gateway) => fixture.attachAgent(gateway)));
  const FILES = ['a', 'b', 'c', 'd', 'e', 'f'];
  const { id, directory } = await client().create('Overlap');
  const logs = join(directory, 'logs');
  // Each task writes begin and end into each of its files: whoever came in between would stand in between.
  const plan = {
    tasks: Array.from({ length: 30 }, (_, index) => {
      const files = [FILES[index % 6], FILES[(index * 5 + 2) % 6]].filter(
        (file, at, all) => all.indexOf(file) === at,
      );
      const folder = join(directory, 'tasks', `t${index}`);
      mkdirSync(folder, { recursive: true });
      mkdirSync(logs, { recursive: true });
      writeFileSync(
        join(folder, 'write.test.mjs'),
        `import { appendFileSync } from 'node:fs';
         import test from 'node:test';
         test('writes', async () => {
           const files = ${JSON.stringify(files.map((file) => join(logs, `${file}.log`)))};
           for (const file of files) appendFileSync(file, 'begin ${index}\\n');
           await new Promise((done) => setTimeout(done, 30));
           for (const file of files) appendFileSync(file, 'end ${index}\\n');
         });`,
      );
      return {
        ...task(`t${index}`, 'run_tests', { working_dir: `tasks/t${index}`, runner: 'node' }),
        files: files.map((file) => `logs/${file}.log`),
        ...(index % 7 === 6 ? { dependencies: [`t${index - 3}`] } : {}),
      };
    }),
  };
  // The tests of three agents would wait for each other if they stood in one repository.
  rmSync(join(directory, '.git'), { recursive: true });
  fixture.provider.alwaysAnswers(JSON.stringify(plan));
  for (const idea of ['a', 'b', 'c']) await client().idea(id, idea);
  await client().status(id, 'completed', 90_000);
  const uses = new Map<string, number>();
  for (const file of FILES) {
    const lines = readFileSync(join(logs, `${file}.log`), 'utf8')
      .trim()
      .split('\n');
    for (let index = 0; index < lines.length; index += 2) {
      const [begin = '', end = ''] = lines.slice(index, index + 2);
      expect([file, begin]).toEqual([file, expect.stringMatching(/^begin \d+$/)]);
      expect([file, end]).toEqual([file, begin.replace('begin', 'end')]);
      uses.set(begin, (uses.get(begin) ?? 0) + 1);
    }
  }
  expect(uses.size).toBe(30);
  const { rows } = await fixture.sql.query(
    "select distinct executor_id from gateway.executions where starts_with(task_id, $1) and executor_id <> 'local'",
    [`${id}-task-`],
  );
  expect(rows).toHaveLength(3);
  for (const end of detach) await end();
}, 120_000);

it('is made when an executor appears, and not before', async () => {
  const other = await ProjectsFixture.create();
  try {
    const without = new ProjectsClient(
      await other.start({ SKYNET_ALLOWED_ROOTS: '' }, { registered: false }),
    );
    other.provider.alwaysAnswers(SMALL_PLAN);
    const made = await without.create('Deferred');
    expect(made).toMatchObject({ bootstrap: 'deferred', status: 'ideation', bootstrap_summary: '' });
    for (const idea of ['a', 'b', 'c']) await without.idea(made.id, idea);
    await without.until(made.id, 'it waits for an executor', (project) => project.waits_for === 'executor');
    expect(existsSync(made.directory)).toBe(false);
    // It is the gateway that can execute which goes on, of all that share the database.
    await other.start();
    const done = await without.status(made.id, 'completed', 30_000);
    expect(done.bootstrap).toBe('done');
    const told = (await eventsOf(other, made.id)).map(({ type, message }) => `${type}: ${message}`);
    expect(told[0]).toBe(
      'created_with_warnings: deferred: No agent connected and SSH fallback is not configured.',
    );
    expect(told).toContain(
      'bootstrapped: directory: ok; readme: ok; git_init: ok; git_add: ok; git_commit: ok',
    );
    expect(told.filter((line) => line.startsWith('started'))).toHaveLength(1);
  } finally {
    await other.close();
  }
});

it('is deferred by an emergency stop, too, and goes on after it', async () => {
  await client().send('POST', '/emergency-stop');
  const made = await client().create('Stopped');
  expect(made.bootstrap).toBe('deferred');
  await client().send('POST', '/resume');
  await eventually('its folder is made', async () =>
    (await client().get(made.id)).bootstrap === 'done' ? true : undefined,
  );
});

it('says what did not work, is kept all the same, and with strict bootstrap is not', async () => {
  writeFileSync(join(fixture.root, 'blocked'), 'a file is in the way');
  const flawed = await client().create('Blocked');
  expect(flawed).toMatchObject({ status: 'ideation', bootstrap: 'failed' });
  expect(flawed.bootstrap_summary).toMatch(/^directory: failed \(.+\)$/);
  expect((await eventsOf(fixture, flawed.id))[0]).toMatchObject({ type: 'created_with_warnings' });

  const other = await ProjectsFixture.create();
  try {
    const strict = new ProjectsClient(
      await other.start({ AUTO_BOOTSTRAP_STRICT: '1', AUTO_CREATE_GITHUB_REPO: '1' }),
    );
    // Nothing here can make a repository on GitHub, which is only a warning.
    const made = await strict.create('Lonely');
    expect(made).toMatchObject({ bootstrap: 'done' });
    expect(made.bootstrap_summary).toMatch(/git_commit: ok; github: warning \(.+\)$/);
    writeFileSync(join(other.root, 'blocked'), 'a file is in the way');
    expect(await strict.send('POST', '/projects', { name: 'Blocked' })).toMatchObject({
      status: 502,
      body: {
        type: 'urn:skynet:problem:bootstrap-failed',
        detail: expect.stringMatching(/^Project 'blocked' was not created: /),
      },
    });
    expect((await strict.send('GET', '/projects/blocked')).status).toBe(404);
  } finally {
    await other.close();
  }
});

it('waits for a control plane that is away, and says so', async () => {
  const other = await ProjectsFixture.create();
  try {
    const url = await nobodyThere();
    const alone = new ProjectsClient(
      await other.start({ SKYNET_ORCHESTRATOR_URL: url }, { registered: false }),
    );
    other.provider.alwaysAnswers(SMALL_PLAN);
    const { id } = await alone.create('Alone');
    for (const idea of ['a', 'b', 'c']) await alone.idea(id, idea);
    const waiting = await alone.until(id, 'it waits', ({ error }) => error !== '');
    expect(waiting).toMatchObject({ status: 'coding', waits_for: 'control plane' });
    expect(waiting.error).toContain(`The control plane cannot be reached at ${url} (`);
  } finally {
    await other.close();
  }
});
