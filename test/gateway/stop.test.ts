import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { eventually } from '../support/eventually.js';
import { act, GatewayFixture, post, untilDead } from './fixture.js';

const STOPPED = 'Emergency stop is active — all execution suspended.';

let fixture: GatewayFixture;
let gateway: RunningGateway;

beforeAll(async () => {
  fixture = await GatewayFixture.create();
  gateway = await fixture.start();
});
afterEach(() => post(gateway, '/resume'));
afterAll(() => fixture.close());

const keyOf = (task_id: string, idempotency_key = 'k') => ({ task_id, idempotency_key });
const look = (at = gateway) => act(at, 'list_directory', { directory: fixture.root });

describe('the emergency stop', () => {
  it('kills the whole tree of what runs within a second, and the record says so', async () => {
    const slow = fixture.slowTest('stop');
    const running = act(gateway, 'run_tests', slow.params, keyOf('stop'));
    await slow.started();
    const asked = performance.now();
    expect(await post(gateway, '/emergency-stop')).toEqual({
      status: 200,
      body: { status: 'emergency_stop_sent' },
    });
    await untilDead(slow.pid());
    const { body } = await running;
    expect(performance.now() - asked).toBeLessThan(1_000);
    expect(body.result).toMatchObject({
      returncode: -1,
      stderr: 'Process was killed by the emergency stop.',
    });
    await post(gateway, '/resume');
    expect((await act(gateway, 'run_tests', slow.params, keyOf('stop'))).body).toEqual({
      ...body,
      idempotent_replay: true,
    });
    expect(slow.runs()).toBe(1);
  });

  it('refuses until resume, in every gateway on the database and after a restart, and still replays', async () => {
    const directory = { directory: fixture.root };
    await act(gateway, 'list_directory', directory, keyOf('before'));
    await post(gateway, '/emergency-stop');
    expect((await look()).body).toEqual({ status: 'error', action: 'list_directory', error: STOPPED });
    expect((await act(gateway, 'list_directory', directory, keyOf('before'))).body.idempotent_replay).toBe(
      true,
    );
    const restarted = await fixture.start();
    expect((await look(restarted)).body.error).toBe(STOPPED);
    expect((await post(restarted, '/resume')).body).toEqual({ status: 'resume_sent' });
    expect((await look()).body.status).toBe('success');
  });

  it('reaches what runs in another gateway on the same database', async () => {
    const other = await fixture.start();
    const slow = fixture.slowTest('elsewhere');
    const running = act(gateway, 'run_tests', slow.params);
    await slow.started();
    const asked = performance.now();
    await post(other, '/emergency-stop');
    expect((await running).body.result.returncode).toBe(-1);
    expect(performance.now() - asked).toBeLessThan(1_500);
    await untilDead(slow.pid());
  });

  it('lets an action that waited for its turn say that it has not run, and run after resume', async () => {
    const slow = fixture.slowTest('turn');
    await act(gateway, 'git_init', { working_dir: slow.folder });
    const running = act(gateway, 'run_tests', slow.params);
    await slow.started();
    const waiting = act(gateway, 'git_add_all', { working_dir: slow.folder }, keyOf('waiting'));
    await eventually('the second is written down', async () => {
      const found = await fixture.sql.query("select 1 from gateway.executions where task_id = 'waiting'");
      return found.rows.length > 0 ? true : undefined;
    });
    await post(gateway, '/emergency-stop');
    expect((await running).body.result.returncode).toBe(-1);
    expect((await waiting).body).toEqual({ status: 'error', action: 'git_add_all', error: STOPPED });
    expect(existsSync(`${slow.folder}/.git/index`)).toBe(false);
    await post(gateway, '/resume');
    const again = await act(gateway, 'git_add_all', { working_dir: slow.folder }, keyOf('waiting'));
    expect(again.body.result.returncode).toBe(0);
    expect(again.body).not.toHaveProperty('idempotent_replay');
  });

  it('holds for later when nobody is there to be stopped; resume then changes nothing', async () => {
    const empty = await fixture.start({ env: { SKYNET_ALLOWED_ROOTS: ';' } });
    const nobody = { status: 503, body: { error: 'No agent connected.' } };
    expect(await post(empty, '/emergency-stop')).toEqual(nobody);
    expect(await post(empty, '/resume')).toEqual(nobody);
    expect((await look()).body.error).toBe(STOPPED);
    expect(await look(empty)).toEqual({
      status: 503,
      body: {
        error: 'No agent connected and SSH fallback is not configured.',
        outcome: 'not_executed',
      },
    });
  });
});

describe('a shutdown', () => {
  it('waits for what runs, and refuses the rest without a lie about what runs', async () => {
    const leaving = await fixture.start({ config: { patienceMs: 20_000 } });
    const slow = fixture.slowTest('leaving');
    const running = act(leaving, 'run_tests', slow.params, keyOf('leaving'));
    await slow.started();
    const closed = leaving.close();
    expect(await post(leaving, '/emergency-stop')).toMatchObject({ status: 503 });
    expect((await fetch(`${leaving.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${leaving.url}/livez`)).status).toBe(200);
    expect(await act(leaving, 'list_directory', { directory: '.' }, keyOf('new'))).toEqual({
      status: 503,
      body: { error: 'The gateway is shutting down.', outcome: 'not_executed' },
    });
    const joined = act(leaving, 'run_tests', slow.params, keyOf('leaving'));
    slow.letGo();
    expect((await running).body.result.returncode).toBe(0);
    expect((await joined).body).toMatchObject({ status: 'success', idempotent_replay: true });
    await closed;
    expect(slow.runs()).toBe(1);
  });

  it('kills what does not end in time, with a key or without, and records it', async () => {
    const leaving = await fixture.start({ config: { patienceMs: 50 } });
    const keyed = fixture.slowTest('late-keyed');
    const bare = fixture.slowTest('late-bare');
    const answers = [
      act(leaving, 'run_tests', keyed.params, keyOf('late')),
      act(leaving, 'run_tests', bare.params),
    ];
    await Promise.all([keyed.started(), bare.started()]);
    await leaving.close();
    const killed = { returncode: -1, stderr: 'Process was killed by the shutdown.' };
    for (const { body } of await Promise.all(answers)) expect(body.result).toMatchObject(killed);
    // What the actions had started gets the same signal, and is dead as soon as the system has delivered it.
    await Promise.all([keyed, bare].map((slow) => untilDead(slow.pid())));
    const replay = await act(gateway, 'run_tests', keyed.params, keyOf('late'));
    expect(replay.body).toMatchObject({ result: killed, idempotent_replay: true });
  });
});
