import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { act, GatewayFixture, post } from './fixture.js';

let fixture: GatewayFixture;
let gateway: RunningGateway;

beforeAll(async () => {
  fixture = await GatewayFixture.create();
  gateway = await fixture.start();
});
afterAll(() => fixture.close());

const keyOf = (task_id: string, idempotency_key = 'k') => ({ task_id, idempotency_key });

describe('an idempotency key', () => {
  it('runs once, for callers at the same time and for those who come later, and for one action only', async () => {
    const slow = fixture.slowTest('once');
    const key = keyOf('once');
    const calls = Array.from({ length: 10 }, () => act(gateway, 'run_tests', slow.params, key));
    await slow.started();
    slow.letGo();
    const answers = await Promise.all(calls);
    expect(answers.map(({ body }) => body.result.returncode)).toEqual(Array(10).fill(0));
    expect(answers.filter(({ body }) => body.idempotent_replay !== true)).toHaveLength(1);
    expect((await act(gateway, 'run_tests', slow.params, key)).body.idempotent_replay).toBe(true);
    expect(slow.runs()).toBe(1);
  });

  it('belongs to one action with one set of params, while it runs and afterwards', async () => {
    const slow = fixture.slowTest('reuse');
    const key = keyOf('reuse');
    const running = act(gateway, 'run_tests', slow.params, key);
    await slow.started();
    const other = { status: 409, body: { error: expect.any(String), outcome: 'not_executed' } };
    expect(await act(gateway, 'run_tests', { ...slow.params, runner: 'npm' }, key)).toEqual(other);
    slow.letGo();
    await running;
    expect(await act(gateway, 'git_status', slow.params, key)).toEqual(other);
    const reordered = { runner: 'node', working_dir: slow.folder };
    expect((await act(gateway, 'run_tests', reordered, key)).body.idempotent_replay).toBe(true);
  });

  it('replays a failed command like any other, with its status', async () => {
    const params = { working_dir: fixture.root, runner: 'make' };
    const first = await act(gateway, 'run_tests', params, keyOf('failed'));
    expect(first).toMatchObject({ status: 200, body: { status: 'success', result: { returncode: 1 } } });
    const again = await act(gateway, 'run_tests', params, keyOf('failed'));
    expect(again).toEqual({ status: 200, body: { ...first.body, idempotent_replay: true } });
  });

  it('is joined by another gateway on the same database, and runs once in both', async () => {
    const other = await fixture.start();
    const slow = fixture.slowTest('both');
    const here = act(gateway, 'run_tests', slow.params, keyOf('both'));
    await slow.started();
    const there = act(other, 'run_tests', slow.params, keyOf('both'));
    slow.letGo();
    expect((await here).body.result).toEqual((await there).body.result);
    expect((await there).body.idempotent_replay).toBe(true);
    expect(slow.runs()).toBe(1);
  });

  it('goes on when its caller hangs up, and answers him when he comes back', async () => {
    const slow = fixture.slowTest('hangup');
    const body = JSON.stringify({ action: 'run_tests', params: slow.params, ...keyOf('hangup') });
    const abort = new AbortController();
    const gone = fetch(`${gateway.url}/action`, { method: 'POST', body, signal: abort.signal }).catch(
      () => 'gone',
    );
    await slow.started();
    abort.abort();
    expect(await gone).toBe('gone');
    slow.letGo();
    expect((await post(gateway, '/action', body)).body).toMatchObject({
      status: 'success',
      idempotent_replay: true,
    });
    expect(slow.runs()).toBe(1);
  });

  it('that was refused is unused: nothing is written down, and a later caller may confirm it', async () => {
    const params = { file: 'confirmed.txt', content: 'x' };
    const key = keyOf('refused');
    const unconfirmed = await act(gateway, 'file_write', params, { ...key, confirmed: false });
    expect(unconfirmed.body).toMatchObject({ status: 'error', error: 'Confirmation required.' });
    const confirmed = await act(gateway, 'file_write', params, key);
    expect(confirmed.body).toMatchObject({ status: 'success' });
    expect(confirmed.body).not.toHaveProperty('idempotent_replay');

    const mixed = Array.from({ length: 6 }, (_, index) =>
      act(gateway, 'file_write', params, { ...keyOf('mixed'), confirmed: index === 5 }),
    );
    expect((await Promise.all(mixed))[5]?.body).toMatchObject({ status: 'success' });

    await act(gateway, 'shell_exec', {}, keyOf('blocked'));
    const { rows } = await fixture.sql.query("select 1 from gateway.executions where task_id = 'blocked'");
    expect(rows).toEqual([]);
  });

  it('counts a side effect once under a storm of equal and different keys at two gateways', async () => {
    const other = await fixture.start();
    const folder = fixture.path('storm');
    await act(gateway, 'create_directory', { directory: folder });
    await act(gateway, 'git_init', { working_dir: folder });
    const calls = Array.from({ length: 40 }, (_, index) => {
      const params = { file: `${folder}/${index % 4}.txt`, content: String(index % 4) };
      return act(index % 2 === 0 ? gateway : other, 'file_write', params, keyOf('storm', `k${index % 4}`));
    });
    const answers = await Promise.all(calls);
    expect(answers.every(({ body }) => body.status === 'success')).toBe(true);
    expect(answers.filter(({ body }) => body.idempotent_replay !== true)).toHaveLength(4);
    // Drafts are gone, whatever the order in which they were replaced.
    expect(readdirSync(folder).sort()).toEqual(['.git', '0.txt', '1.txt', '2.txt', '3.txt']);
  });
});

describe('a lease number', () => {
  const call = (task_id: string, idempotency_key: string, lease_number: number) =>
    act(gateway, 'list_directory', { directory: fixture.root }, { task_id, idempotency_key, lease_number });
  const stale = (task: string, given: number, seen: number) => ({
    status: 409,
    body: {
      error: `Stale lease number ${given} for task ${task}; ${seen} has been seen.`,
      outcome: 'not_executed',
    },
  });

  it('lower than one seen before is refused, unless its key has run', async () => {
    expect((await call('lease', 'a', 3)).status).toBe(200);
    expect(await call('lease', 'b', 2)).toEqual(stale('lease', 2, 3));
    expect((await call('lease', 'a', 1)).body.idempotent_replay).toBe(true);
    expect((await call('lease', 'c', 3)).body.status).toBe('success');
  });

  it('is remembered when it comes with a replay or a join, and outlives a restart', async () => {
    await call('replayed', 'a', 1);
    await call('replayed', 'a', 5);
    expect(await call('replayed', 'b', 4)).toEqual(stale('replayed', 4, 5));

    const slow = fixture.slowTest('lease-join');
    const run = (lease_number: number, key: string) =>
      act(gateway, 'run_tests', slow.params, { task_id: 'joined', idempotency_key: key, lease_number });
    const calls = [run(1, 'a')];
    await slow.started();
    calls.push(run(2, 'a'));
    slow.letGo();
    await Promise.all(calls);
    const restarted = await fixture.start();
    expect(
      await act(restarted, 'run_tests', slow.params, {
        task_id: 'joined',
        idempotency_key: 'b',
        lease_number: 1,
      }),
    ).toEqual(stale('joined', 1, 2));
    expect(slow.runs()).toBe(1);
  });
});

describe('an answer that takes too long', () => {
  it('is a 504 of unknown outcome, and the same key gets the result', async () => {
    const impatient = await fixture.start({ config: { answerGraceMs: -119_500 } });
    const slow = fixture.slowTest('late');
    expect(await act(impatient, 'run_tests', slow.params, keyOf('late'))).toEqual({
      status: 504,
      body: { error: 'Agent did not respond in time.', outcome: 'unknown' },
    });
    slow.letGo();
    expect((await act(gateway, 'run_tests', slow.params, keyOf('late'))).body).toMatchObject({
      status: 'success',
      result: { returncode: 0 },
      idempotent_replay: true,
    });
    expect(slow.runs()).toBe(1);
  });
});

describe('records', () => {
  it('are forgotten after seven days, those that nobody asked for again included, and no sooner', async () => {
    for (const task of ['old', 'young', 'abandoned', 'running']) {
      await act(gateway, 'list_directory', { directory: fixture.root }, keyOf(`prune-${task}`));
    }
    const change = (task: string, set: string) =>
      fixture.sql.query(`update gateway.executions set ${set} where task_id = 'prune-${task}'`);
    const undone = "state = 'running', http_status = null, response = null, finished_at = null";
    await change('old', "finished_at = now() - interval '7 days 1 minute'");
    await change('young', "finished_at = now() - interval '6 days 23 hours'");
    const long = "started_at = now() - interval '8 days'";
    await change('abandoned', `${undone}, ${long}, alive_until = now() - interval '7 days'`);
    await change('running', `${undone}, ${long}, alive_until = now() + interval '1 hour'`);
    // The first pass comes with the start.
    await (await fixture.start()).close();
    const { rows } = await fixture.sql.query<{ task_id: string }>(
      "select task_id from gateway.executions where task_id like 'prune-%' order by 1",
    );
    expect(rows.map((row) => row.task_id)).toEqual(['prune-running', 'prune-young']);
  });
});
