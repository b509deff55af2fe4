import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { exclude } from '../../src/control-plane/ledger/domain/use-index.js';
import {
  type FileMode,
  storedPattern,
  wantedFiles,
} from '../../src/control-plane/ledger/domain/wanted-files.js';
import { type ClaimedTask } from '../../src/control-plane/ledger/index.js';
import { startTestLedger, type TestLedger } from '../support/ledger.js';
import { isLong, limitMs } from '../support/long.js';
import { fc } from '../support/properties.js';

let ledger: TestLedger;
beforeAll(async () => (ledger = await startTestLedger()));
afterAll(() => ledger.api.close());
afterEach(() =>
  ledger.api.query('truncate tasks, task_dependencies, file_locks, file_waits, file_conflicts, events'),
);

const write = (...paths: string[]) => ({ requiredFiles: paths });
const read = (...paths: string[]) => ({ readFiles: paths });
const idsOf = (tasks: readonly ClaimedTask[]) => tasks.map(({ id }) => id);
async function claimOne(): Promise<ClaimedTask> {
  const [task] = await ledger.claim();
  if (task === undefined) throw new Error('nothing to claim');
  return task;
}
const post = (path: string, body: object) => ledger.api.post(path, body);
const held = (task: ClaimedTask) => ({ task_id: task.id, claim_token: task.claimToken });

describe('readers and writers', () => {
  it('read together, write alone, and nobody overtakes who waits ahead', async () => {
    await ledger.enqueue('r1', read('doc.md'));
    await ledger.enqueue('r2', read('doc.md'));
    const readers = await ledger.claim('w', 10);
    expect(idsOf(readers)).toEqual(['r1', 'r2']);
    await ledger.enqueue('w1', write('doc.md'));
    await ledger.enqueue('r3', read('doc.md'));
    // A later reader could read beside the two, and the writer would wait for ever.
    expect(await ledger.claim('w', 10)).toEqual([]);
    for (const reader of readers) await ledger.finish(reader);
    const writer = await claimOne();
    expect(writer.id).toBe('w1');
    expect(await ledger.claim('w', 10)).toEqual([]);
    await ledger.finish(writer);
    expect(idsOf(await ledger.claim('w', 10))).toEqual(['r3']);
  });

  it('that wait in numbers all read when the writer is done', async () => {
    await ledger.enqueue('w', write('x'));
    const writer = await claimOne();
    for (let n = 0; n < 150; n++) await ledger.enqueue(`r${n}`, read('x'));
    expect(await ledger.claim('w', 10)).toEqual([]);
    await ledger.finish(writer);
    expect(await ledger.claim('w', 500)).toHaveLength(150);
  });
});

describe('folders and globs', () => {
  it.each([
    ['src/', 'src/deep/a.ts', false],
    ['src/**', 'src', false],
    ['src/*/a.ts', 'src/b/*.ts', false],
    ['**/*.test.ts', 'src/a.test.ts', false],
    ['{docs,src}/x.md', 'src/x.md', false],
    ['src/', 'srcs/a.ts', true],
    ['src/*.ts', 'src/b/a.ts', true],
    ['**', 'anything', false],
  ])('%s and %s: both at once is %s', async (first, second, both) => {
    await ledger.enqueue('a', write(first));
    await ledger.enqueue('b', write(second));
    const tasks = await ledger.claim('w', 10);
    expect(idsOf(tasks)).toEqual(both ? ['a', 'b'] : ['a']);
    for (const task of tasks) await ledger.finish(task);
    expect(idsOf(await ledger.claim('w', 10))).toEqual(both ? [] : ['b']);
  });

  it('of one project are nothing to another', async () => {
    await ledger.enqueue('a', { ...write('**'), projectId: 'one' });
    await ledger.enqueue('b', { ...write('**'), projectId: 'two' });
    await ledger.enqueue('c', write('x'));
    expect(idsOf(await ledger.claim('w', 10)).sort()).toEqual(['a', 'b', 'c']);
    const { body } = await ledger.api.fetch('/v1/files/ownership?project_id=two');
    expect(body.ownership).toMatchObject([
      { owning_task: 'b', file_path: '**', project_id: 'two', mode: 'write' },
    ]);
    expect((await ledger.api.fetch('/v1/tasks?project_id=one')).body.tasks).toHaveLength(1);
  });

  it('wake all that do not exclude each other when a folder is free', async () => {
    await ledger.enqueue('all', write('src/'));
    const owner = await claimOne();
    for (const name of ['a', 'b', 'c']) await ledger.enqueue(name, write(`src/${name}.ts`));
    await ledger.enqueue('a2', write('src/a.ts'));
    expect(await ledger.claim('w', 10)).toEqual([]);
    await ledger.finish(owner);
    expect(idsOf(await ledger.claim('w', 10))).toEqual(['a', 'b', 'c']);
  });

  it('that wait are left by those behind them when they are cancelled', async () => {
    await ledger.enqueue('file', write('src/a.ts'));
    const owner = await claimOne();
    await ledger.enqueue('folder', write('src/'));
    await ledger.enqueue('behind', write('src/b.ts'));
    expect(await ledger.claim('w', 10)).toEqual([]);
    await ledger.endings.cancel(ledger.database, 'folder', '');
    expect(idsOf(await ledger.claim('w', 10))).toEqual(['behind']);
    await ledger.finish(owner);
    expect(await ledger.upkeep.sweep()).toBe(0);
  });
});

describe('a task with many files', () => {
  it('starts after a number of losses that is known, however many others want some of them', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    await ledger.enqueue('big', { ...write(...names), priority: 0 });
    await Promise.all(names.map((name) => ledger.enqueue(`first-${name}`, { ...write(name), priority: 5 })));
    let running = await ledger.claim('w', 10);
    let rounds = 0;
    // Each that ends is followed by another that wants the same, and came later than the big one.
    while (!idsOf(running).includes('big')) {
      expect(rounds).toBeLessThan(20);
      const [oldest, ...rest] = running;
      if (oldest === undefined) throw new Error('Nobody runs, and the big one does not start.');
      await ledger.enqueue(`next-${rounds++}`, write(oldest.requiredFiles[0] ?? ''));
      await ledger.finish(oldest);
      running = [...rest, ...(await ledger.claim('w', 10))];
    }
    // Three losses and one more time, each at most as long as all who run now; they end one by one here.
    expect(rounds).toBeLessThanOrEqual((3 + 1) * names.length);
  });
});

describe('the calls about files', () => {
  it('take patterns, name every owner, give back early, and show who waits', async () => {
    await ledger.enqueue('r1', read('src/a.ts'));
    await ledger.enqueue('r2', read('src/**/*.ts'));
    await ledger.enqueue('other');
    const tasks = await ledger.claim('w', 10);
    const [other, r1, r2] = ['other', 'r1', 'r2'].map((id) => tasks.find((task) => task.id === id));
    if (r1 === undefined || r2 === undefined || other === undefined) throw new Error('not claimed');
    const take = async (file_path: string, mode?: string) =>
      (await post('/v1/files/claim', { ...held(other), file_path, ...(mode ? { mode } : {}) })).body;
    expect(await take('src/')).toEqual({
      ok: false,
      owner_task_id: expect.stringMatching(/^r[12]$/),
      owner_task_ids: expect.arrayContaining(['r1', 'r2']),
    });
    expect(await take('src/', 'read')).toEqual({
      ok: true,
      owner_task_id: 'other',
      owner_task_ids: ['other'],
    });
    expect(await take('docs/*.md')).toMatchObject({ ok: true });

    await ledger.enqueue('w1', write('src/a.ts'));
    await ledger.enqueue('w2', write('docs/x.md'));
    await ledger.claim('w', 10);
    const ownership = async () => (await ledger.api.fetch('/v1/files/ownership')).body.ownership;
    expect(await ownership()).toMatchObject([
      { file_path: 'docs/*.md', owning_task: 'other', mode: 'write', waiters: ['w2'], locked_by: 'w' },
      { file_path: 'src/', owning_task: 'other', mode: 'read', waiters: ['w1'] },
      { file_path: 'src/**/*.ts', owning_task: 'r2', mode: 'read', waiters: ['w1'] },
      { file_path: 'src/a.ts', owning_task: 'r1', mode: 'read', waiters: ['w1'] },
    ]);
    const waiters = (await ledger.api.fetch('/v1/files/waiters')).body.waiters;
    expect(waiters).toMatchObject([
      { task_id: 'w1', file_path: 'src/a.ts', mode: 'write', awake: false, losses: 0 },
      { task_id: 'w2', file_path: 'docs/x.md' },
    ]);
    const page = (await ledger.api.fetch('/v1/files/waiters?limit=1')).body;
    expect(
      (await ledger.api.fetch(`/v1/files/waiters?limit=1&cursor=${page.next_cursor}`)).body.waiters,
    ).toEqual([waiters[1]]);

    const back = (paths: string[], proof: object = held(other)) =>
      post('/v1/files/release', { ...proof, paths });
    expect((await back(['docs//*.md', 'nothing'])).body).toEqual({ ok: true, released: ['docs/*.md'] });
    expect(idsOf(await ledger.claim('w', 10))).toEqual(['w2']);
    expect((await back(['src/'], { task_id: 'other', claim_token: 'no' })).body).toEqual({
      ok: false,
      released: [],
    });
    await ledger.finish(r1);
    await ledger.finish(r2);
    expect(await ledger.claim('w', 10)).toEqual([]);
    await ledger.finish(other);
    expect(idsOf(await ledger.claim('w', 10))).toEqual(['w1']);
  });

  it('refuse what is no file of the project, with the reason and the place', async () => {
    const { status, body } = await post('/v1/tasks/enqueue', {
      ...{ action: 'a', required_files: ['ok', '../x'], read_files: ['..'] },
      files: [{ path: '{a,b}{c,d}{e,f}{g,h}{i,j}{k,l}{m,n}' }],
    });
    expect(status).toBe(422);
    expect(body.detail.map(({ loc }: { loc: unknown[] }) => loc.join('.'))).toEqual([
      'body.required_files.1',
      'body.files.0.path',
      'body.read_files.0',
    ]);
  });

  it('show what a task reads and writes as it was named', async () => {
    const { body } = await post('/v1/tasks/enqueue', {
      ...{ action: 'a', required_files: ['./a'], read_files: ['docs/'], project_id: 'p' },
      files: [{ path: 'b', mode: 'read' }, { path: 'c' }],
    });
    expect(body.task).toMatchObject({
      project_id: 'p',
      required_files: ['./a', 'c'],
      read_files: ['b', 'docs/'],
    });
    expect((await ledger.api.fetch(`/v1/tasks/${body.task.id}`)).body).toEqual(body.task);
  });
});

/** What all who hold tasks own now, from the tables. */
async function owned(): Promise<{ task: number; project: string; path: string; mode: FileMode }[]> {
  return ledger.api.query('select task_seq as task, project_id as project, path, mode from file_locks');
}

describe('whatever happens', () => {
  const path = fc.constantFrom(
    ...[
      'a',
      'b',
      'src/a',
      'src/b',
      'src/c/d',
      'src/',
      'src/c/',
      '*',
      'src/*',
      '**/a',
      'src/**',
      '{a,b}',
      '**',
    ],
  );
  const newTask = fc.record({
    kind: fc.constant('enqueue' as const),
    files: fc.array(fc.record({ path, mode: fc.constantFrom<FileMode>('read', 'write') }), { maxLength: 3 }),
    priority: fc.integer({ min: 0, max: 2 }),
    project: fc.constantFrom('p', 'q'),
    able: fc.boolean(),
  });
  const step = fc.oneof(
    { weight: 4, arbitrary: newTask },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('claim' as const),
        able: fc.boolean(),
        count: fc.integer({ min: 1, max: 3 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('finish' as const, 'fail' as const, 'release' as const),
        pick: fc.nat(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('give' as const), pick: fc.nat(), path }) },
  );

  it(
    'no two own what excludes each other, nobody is forgotten, and all get their turn',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
          await ledger.api.query(
            'truncate tasks, task_dependencies, file_locks, file_waits, file_conflicts, events',
          );
          const holding: ClaimedTask[] = [];
          let count = 0;
          const check = async () => {
            const uses = (await owned()).map((row) => ({ ...row, pattern: storedPattern(row.path) }));
            for (const a of uses)
              for (const b of uses)
                if (a.task < b.task && a.project === b.project && exclude(a, b))
                  throw new Error(`${a.path} and ${b.path} are owned at once.`);
            expect(await ledger.upkeep.sweep()).toBe(0);
            const misplaced = await ledger.api.query(
              `select id from tasks where gate between 0 and 4 and lane <> task_lane(
               kind, delivery, dispatch_key, dispatch_gateway_id, gateway_strict, gateway_id, required_capabilities)`,
            );
            expect(misplaced).toEqual([]);
          };
          for (const now of steps) {
            if (now.kind === 'enqueue') {
              await ledger.enqueue(`t${count++}`, {
                ...{ files: now.files, priority: now.priority, projectId: now.project },
                requiredCapabilities: now.able ? ['rare'] : [],
              });
            } else if (now.kind === 'claim') {
              holding.push(...(await ledger.claim('w', now.count, now.able ? ['rare'] : [])));
            } else if (now.kind === 'cancel') {
              const id = `t${now.pick % Math.max(1, count)}`;
              await ledger.endings.cancel(ledger.database, id, '').catch(() => undefined);
              const index = holding.findIndex((task) => task.id === id);
              if (index >= 0) holding.splice(index, 1);
            } else {
              const task = holding[now.pick % Math.max(1, holding.length)];
              if (task === undefined) continue;
              const proof = { taskId: task.id, workerId: 'w', claimToken: task.claimToken };
              if (now.kind === 'give') {
                const { files } = wantedFiles({ requiredFiles: [now.path], readFiles: [], files: [] });
                expect(files).toHaveLength(1);
                await ledger.claims.releaseFiles(ledger.database, proof, [now.path]);
              } else {
                holding.splice(holding.indexOf(task), 1);
                if (now.kind === 'release')
                  await ledger.endings.release(ledger.database, proof, { reason: '' });
                else await ledger.finish(task, now.kind === 'finish');
              }
            }
            await check();
          }
          for (let rounds = 0; ; rounds++) {
            for (const task of holding.splice(0)) await ledger.finish(task);
            holding.push(...(await ledger.claim('w', 100, ['rare'])));
            await check();
            if (holding.length === 0) break;
            if (rounds > count) throw new Error('It does not come to an end.');
          }
          const left = await ledger.api.query(`select id from tasks where gate between 0 and 5`);
          expect(left).toEqual([]);
          expect(await ledger.api.query('select * from file_waits')).toEqual([]);
        }),
        { numRuns: isLong ? 400 : 20 },
      );
    },
    limitMs(120_000),
  );
});
