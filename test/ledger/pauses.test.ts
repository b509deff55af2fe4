import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { PausesService } from '../../src/control-plane/ledger/pauses.service.js';
import { lockCandidates, readyExists } from '../../src/control-plane/ledger/queries/candidates.queries.js';
import { TOPICS } from '../../src/control-plane/runtime/index.js';
import { Wakeups } from '../../src/platform/database/wakeups.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { createTestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { startTestLedger, type TestLedger } from '../support/ledger.js';

let ledger: TestLedger;
let other: TestControlPlane;
beforeAll(async () => {
  ledger = await startTestLedger();
  other = await startTestControlPlane({ databaseUrl: ledger.api.databaseUrl });
});
afterAll(async () => {
  await other.close();
  await ledger.api.close();
});
afterEach(() =>
  ledger.api.query(
    'truncate tasks, task_dependencies, file_locks, file_waits, file_conflicts, events, gateways, pauses',
  ),
);

const post = async (path: string, body: object = {}, headers?: Record<string, string>): Promise<Json> => {
  const reply = await ledger.api.post(path, body, headers);
  expect([path, reply.status]).toEqual([path, 200]);
  return reply.body;
};
const pause = (what: string, reason?: string) =>
  post(`/v1/${what}/pause`, reason === undefined ? {} : { reason });
const resume = (what: string) => post(`/v1/${what}/resume`);
const idsOf = (tasks: readonly { readonly id: string }[]) => tasks.map(({ id }) => id);
const fill = (projectId: string, count: number) =>
  ledger.api.query(
    `insert into tasks (id, project_id, action, params, max_attempts, lease_seconds, gate)
     select $1 || '-' || n, $1, 'a', '{}', 5, 300, 0 from generate_series(1, $2::int) n`,
    [projectId, count],
  );
const until = (what: string, holds: () => boolean) =>
  eventually(what, () => Promise.resolve(holds() ? true : undefined));
const rows = () => ledger.api.query('select xmin::text, ctid::text, t.* from tasks t order by seq');

describe('while something is paused', () => {
  it.each(['queue', 'projects/p'])(
    '%s: no task of it is claimed, whoever asks, and all that wait are left as they are',
    async (what) => {
      await fill('p', 20);
      const before = await rows();
      await pause(what);
      for (const size of [1, 10]) expect(await ledger.claim('w', size)).toEqual([]);
      for (const claimer of ['w', 'stranger']) {
        const { body } = await other.post('/v1/tasks/claim', { worker_id: claimer, max: 5, wait_ms: 0 });
        expect(body).toMatchObject({ claimed: false, tasks: [] });
      }
      const claimer = { holder: 'worker', id: 'w', capabilities: [] } as const;
      // Otherwise each claim would look again and again for what it has missed.
      expect(await readyExists(ledger.database, claimer)).toBe(false);
      // A pause may come between the look at a project and the lock of it.
      const locked = ledger.database.transaction((tx) =>
        lockCandidates(tx, claimer, {
          projectId: 'p',
          limit: 10,
          turns: new Map(),
          projects: 1,
          marks: null,
        }),
      );
      expect(await locked).toEqual([]);
      const keyed = { 'x-idempotency-key': what };
      expect(await post('/v1/tasks/claim', { worker_id: 'w' }, keyed)).toMatchObject({ claimed: false });
      await resume(what);
      expect(await rows()).toEqual(before);
      expect(await ledger.claim('w', 10)).toHaveLength(10);
    },
  );

  it('the others get its share, and its turn comes again', async () => {
    for (const project of ['a', 'b', 'c', 'd']) await fill(project, 10);
    await pause('projects/b');
    await pause('projects/d');
    const served = async (size: number) =>
      (await ledger.claim('w', size)).map(({ projectId }) => projectId).sort();
    expect(await served(6)).toEqual(['a', 'a', 'a', 'c', 'c', 'c']);
    for (let turn = 0; turn < 3; turn++) expect(await served(1)).toEqual([turn % 2 === 0 ? 'a' : 'c']);
    await resume('projects/b');
    expect(await served(3)).toEqual(['a', 'b', 'c']);
  });

  it('of many projects all but one, that one is found', async () => {
    const projects = Array.from({ length: 200 }, (_, index) => `p${String(index).padStart(3, '0')}`);
    for (const project of projects) await fill(project, 1);
    await ledger.api.query(
      `insert into pauses (scope, name) select 'project', project_id from tasks where project_id <> 'p150'`,
    );
    expect(idsOf(await ledger.claim('w', 5))).toEqual(['p150-1']);
    expect(await ledger.claim('w')).toEqual([]);
  });

  it('tasks are handed in, with a warning', async () => {
    await pause('projects/p', 'Moving.');
    const { paused_at: since } = await pause('queue');
    const { warnings } = await post('/v1/tasks/enqueue', { action: 'a', project_id: ' p ' });
    expect(warnings).toEqual([
      `The queue is paused since ${since}: it waits until that is resumed.`,
      expect.stringMatching(/^Its project 'p' is paused since .* \(Moving\.\): it waits/),
    ]);
    await resume('queue');
    const { warnings: some } = await post('/v1/tasks/batch', {
      tasks: [{ action: 'a' }, { action: 'a', project_id: 'p' }],
    });
    expect(some).toEqual([expect.stringMatching(/^tasks\[1\]: Its project 'p'/)]);
    await resume('projects/p');
    expect(await post('/v1/tasks/enqueue', { action: 'a', project_id: 'p' })).not.toHaveProperty('warnings');
  });

  it('what is held is started, renewed, given files and ended, and its end brings nothing new', async () => {
    for (const id of ['one', 'two', 'three']) await ledger.enqueue(id, { projectId: 'p' });
    const { task } = await post('/v1/tasks/claim', { worker_id: 'w' });
    const [second] = await ledger.claim('w');
    if (second === undefined) throw new Error('not claimed');
    await pause('projects/p');
    const proof = { worker_id: 'w', claim_token: task.claim_token };
    await post(`/v1/tasks/${task.id}/start`, proof);
    await post(`/v1/tasks/${task.id}/renew`, proof);
    const file = { task_id: task.id, claim_token: task.claim_token, file_path: 'f' };
    expect(await post('/v1/files/claim', file)).toMatchObject({ ok: true });
    const end = await post(`/v1/tasks/${task.id}/complete`, { ...proof, claim_next: { max: 2 } });
    expect(end).toMatchObject({ ok: true, next: { claimed: false } });
    expect(await ledger.status('one')).toBe('succeeded');

    await ledger.api.query(
      `update tasks set lease_expires_at = now() - interval '1 second' where id = 'two'`,
    );
    const [lease] = await ledger.upkeep.listExpiredLeases(0, 10);
    if (lease === undefined) throw new Error('not expired');
    expect(await ledger.upkeep.releaseExpired(lease, 'silence')).toBe(true);
    expect(await ledger.claim('w', 5)).toEqual([]);
    await resume('projects/p');
    expect(idsOf(await ledger.claim('w', 5)).sort()).toEqual(['three', 'two']);
  });

  it.each(['queue', 'projects/default'])(
    '%s: a task whose file becomes free is woken, and claimed once all goes on',
    async (what) => {
      await ledger.enqueue('owner', { requiredFiles: ['src/'] });
      const [owner] = await ledger.claim();
      await ledger.enqueue('parked', { requiredFiles: ['src/a'] });
      await ledger.enqueue('late', { requiredFiles: ['src/b'], readFiles: ['doc'] });
      expect(await ledger.claim()).toEqual([]);
      expect(await ledger.gate('parked')).toBe(2);
      await pause(what);
      // Woken at once: it waits for nothing but the word of the operator.
      if (owner !== undefined) await ledger.finish(owner);
      await ledger.enqueue('after', { requiredFiles: ['src/a'] });
      expect(await ledger.gate('parked')).toBe(0);
      expect(await ledger.claim('w', 5)).toEqual([]);
      expect(await ledger.upkeep.sweep()).toBe(0);
      await resume(what);
      expect(idsOf(await ledger.claim('w', 5)).sort()).toEqual(['late', 'parked']);
      expect(await ledger.upkeep.sweep()).toBe(0);
    },
  );

  it('a claim that waits is told at once, in every replica, when it goes on', async () => {
    await pause('projects/p');
    await ledger.enqueue('t', { projectId: 'p' });
    const waiting = other.post('/v1/tasks/claim', { worker_id: 'w', wait_ms: 20_000 });
    const told = new Promise<void>((done) => {
      other.get(Wakeups).subscribe(TOPICS.ready, done);
    });
    await resume('projects/p');
    await told;
    expect((await waiting).body).toMatchObject({ claimed: true, task: { id: 't' } });
  });

  it('a replica that starts keeps to it', async () => {
    const database = await createTestDatabase();
    try {
      const first = await startTestControlPlane({ databaseUrl: database.url });
      await first.post('/v1/queue/pause', { reason: 'Night.' });
      await first.post('/v1/tasks/enqueue', { action: 'a' });
      await first.close();
      const second = await startTestControlPlane({ databaseUrl: database.url });
      const claim = async () => (await second.post('/v1/tasks/claim', { worker_id: 'w' })).body.claimed;
      expect(await claim()).toBe(false);
      expect((await second.fetch('/v1/pauses')).body.pauses).toMatchObject([{ reason: 'Night.' }]);
      await second.post('/v1/queue/resume');
      expect(await claim()).toBe(true);
      await second.close();
    } finally {
      await database.drop();
    }
  });
});

describe('among 16 who claim without rest in two replicas', () => {
  it.each(['queue', 'projects/p'])('%s: none that began after a pause gets a task', async (what) => {
    await fill('p', 4_000);
    await fill('q', 4_000);
    interface Seen {
      readonly began: number;
      readonly ended: number;
      readonly projects: readonly string[];
    }
    const seen: Seen[] = [];
    const counts = Array<number>(16).fill(0);
    let stopped = false;
    const claimers = counts.map(async (_, index) => {
      while (!stopped) {
        const began = performance.now();
        const call = { worker_id: `w${index}`, max: 1 + (index % 3) };
        const { body } = await (index % 2 === 0 ? ledger.api : other).post('/v1/tasks/claim', call);
        seen.push({
          began,
          ended: performance.now(),
          projects: body.tasks.map((task: Json) => task.project_id),
        });
        counts[index] = (counts[index] ?? 0) + 1;
      }
    });
    const rounds: { readonly from: number; readonly to: number }[] = [];
    try {
      for (let round = 0; round < 6; round++) {
        const { body } = await (round % 2 === 0 ? ledger.api : other).post(`/v1/${what}/pause`);
        const from = performance.now();
        expect(body.paused).toBe(true);
        const marks = counts.map((count) => count + 3);
        await until('everybody has claimed again', () =>
          counts.every((count, index) => count >= (marks[index] ?? 0)),
        );
        rounds.push({ from, to: performance.now() });
        await resume(what);
        const resumed = performance.now();
        await until('its tasks are claimed again', () =>
          seen.some(({ began, projects }) => began > resumed && projects.includes('p')),
        );
      }
    } finally {
      stopped = true;
      await Promise.all(claimers);
    }
    const during = seen.filter(({ began, ended }) =>
      rounds.some(({ from, to }) => began > from && ended < to),
    );
    expect(during.length).toBeGreaterThan(16 * 6);
    const claimed = new Set(during.flatMap(({ projects }) => projects));
    expect([...claimed]).toEqual(what === 'queue' ? [] : ['q']);
  });
});

describe('the calls', () => {
  it('say what holds now, and saying it again changes nothing', async () => {
    const first = await pause('projects/p', 'Moving.');
    expect(first).toMatchObject({ scope: 'project', name: 'p', paused: true, reason: 'Moving.' });
    expect(await pause('projects/p')).toEqual(first);
    expect(await pause('projects/p', 'Still moving.')).toEqual({ ...first, reason: 'Still moving.' });
    const none = { paused: false, reason: '', paused_at: null };
    for (let time = 0; time < 2; time++)
      expect(await resume('projects/p')).toEqual({ scope: 'project', name: 'p', ...none });
    expect(await resume('queue')).toEqual({ scope: 'queue', name: '', ...none });
    const again = await pause('projects/p');
    expect([again.reason, again.paused_at > first.paused_at]).toEqual(['', true]);
  });

  it('made twice under a key are one', async () => {
    const key = { 'x-idempotency-key': 'k' };
    const first = await post('/v1/queue/pause', { reason: 'a' }, key);
    await resume('queue');
    expect(await post('/v1/queue/pause', { reason: 'a' }, key)).toEqual(first);
    expect((await ledger.api.fetch('/v1/pauses')).body.pauses).toEqual([]);
  });

  it('made by many at once agree on one pause', async () => {
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? ledger.api : other).post('/v1/queue/pause', { reason: `${index}` }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    expect(new Set(replies.map(({ body }) => body.paused_at)).size).toBe(1);
  });

  it.each(['a/b', "it's", '%', ' padded ', '💩', 'x'.repeat(200)])('take the project %j', async (name) => {
    await ledger.enqueue('t', { projectId: name });
    await pause(`projects/${encodeURIComponent(name)}`);
    expect(await ledger.claim()).toEqual([]);
    const { reasons } = (await ledger.api.fetch('/v1/tasks/t/explain')).body;
    const call = reasons.find(({ code }: Json) => code === 'paused').unblock[0];
    expect((await ledger.api.call(call.method, call.path)).status).toBe(200);
    expect(idsOf(await ledger.claim())).toEqual(['t']);
  });

  it.each([
    ['projects/%20/pause', {}, 422, 'invalid-request'],
    [`projects/${'x'.repeat(201)}/resume`, {}, 422, 'invalid-request'],
    ['projects/p/pause', { reason: 'x'.repeat(2_001) }, 422, 'invalid-request'],
    ['queue/pause', { reason: 7 }, 422, 'invalid-request'],
    ['gateways/nowhere/pause', {}, 404, 'gateway-not-found'],
    ['gateways/nowhere/resume', {}, 404, 'gateway-not-found'],
    ['pauses/pause', {}, 404, 'not-found'],
  ])('refuse %s', async (path, body, status, kind) => {
    const reply = await ledger.api.post(`/v1/${path}`, body, { accept: 'application/problem+json' });
    expect([reply.status, reply.body.type]).toEqual([status, `urn:skynet:problem:${kind}`]);
    if (kind === 'gateway-not-found') expect(reply.body.detail).toBe("Gateway 'nowhere' is not registered.");
  });

  it('list all that is paused, in pages as well', async () => {
    for (const id of ['g2', 'g1', 'g3'])
      await post('/v1/register-gateway', { gateway_id: id, host: 'http://127.0.0.1:9' });
    for (const what of ['projects/z', 'projects/Ü', 'gateways/g2', 'queue', 'gateways/g1', 'projects/a'])
      await pause(what, `Because of ${what}.`);
    const { pauses } = (await ledger.api.fetch('/v1/pauses')).body;
    expect(pauses.map(({ scope, name, paused }: Json) => [scope, name, paused])).toEqual([
      ['queue', '', true],
      ['gateway', 'g1', true],
      ['gateway', 'g2', true],
      ['project', 'a', true],
      ['project', 'z', true],
      ['project', 'Ü', true],
    ]);
    expect(pauses[5]).toMatchObject({ reason: 'Because of projects/Ü.', paused_at: expect.any(String) });
    for (const size of [1, 2, 3, 4, 5, 6, 7]) {
      const read: Json[] = [];
      for (let cursor: string | undefined = ''; cursor !== undefined;) {
        const { body } = await ledger.api.fetch(`/v1/pauses?limit=${size}${cursor && `&cursor=${cursor}`}`);
        read.push(...body.pauses);
        cursor = body.next_cursor;
      }
      expect(read).toEqual(pauses);
    }
    expect((await ledger.api.fetch('/v1/pauses?limit=0')).body).toEqual({ pauses: [] });
    expect((await ledger.api.fetch('/v1/pauses?cursor=nonsense')).status).toBe(422);
  });

  it('cost an enqueue one look a second for all', () => {
    const pauses = ledger.api.get(PausesService);
    const first = pauses.recent();
    expect(pauses.recent()).toBe(first);
  });
});
