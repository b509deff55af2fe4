import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Program } from '../support/program.js';
import { act, GatewayFixture, isAlive, untilDead } from './fixture.js';

let fixture: GatewayFixture;
let program: Program | undefined;

beforeAll(async () => {
  fixture = await GatewayFixture.create();
});
afterEach(() => program?.kill('SIGKILL'));
afterAll(() => fixture.close());

/** A gateway in a process of its own, which can be killed. */
async function startProgram(): Promise<{ url: string; program: Program }> {
  program = Program.start('skynet', ['gateway'], {
    DATABASE_URL: fixture.database.url,
    SKYNET_HTTP_PORT: '0',
    SKYNET_ALLOWED_ROOTS: fixture.root,
    SKYNET_LOG_LEVEL: 'silent',
  });
  return { url: await program.line(/OpenClaw gateway: (\S+)/), program };
}

/** The ten seconds pass after which a silent process counts as dead. */
const timePasses = () =>
  fixture.sql.query("update gateway.executions set alive_until = now() where state = 'running'");

const keyOf = (task_id: string) => ({ task_id, idempotency_key: 'k' });

describe('a gateway that is killed in the middle of an action', () => {
  it('takes the action with it; the next one says that the outcome is unknown, and runs it never again', async () => {
    const dying = await startProgram();
    const slow = fixture.slowTest('killed');
    const lost = act(dying, 'run_tests', slow.params, keyOf('killed')).catch(() => 'lost');
    await slow.started();
    expect(isAlive(slow.pid())).toBe(true);
    await dying.program.kill('SIGKILL');
    expect(await lost).toBe('lost');
    await untilDead(slow.pid());

    const next = await fixture.start();
    const asked = act(next, 'run_tests', slow.params, keyOf('killed'));
    // As long as the other may live, nobody is told anything.
    const soon = new Promise((resolve) => setTimeout(() => resolve('still waiting'), 600));
    expect(await Promise.race([asked, soon])).toBe('still waiting');
    await timePasses();
    const unknown = {
      status: 'error',
      action: 'run_tests',
      error: 'The gateway stopped while this action ran; whether it took effect is unknown.',
    };
    expect(await asked).toEqual({ status: 200, body: unknown });
    expect(await act(next, 'run_tests', slow.params, keyOf('killed'))).toEqual({
      status: 200,
      body: { ...unknown, idempotent_replay: true },
    });
    expect(slow.runs()).toBe(1);
  });

  it('leaves what can be repeated without harm to whoever asks first, unless a check speaks against it', async () => {
    const next = await fixture.start();
    const other = await fixture.start();
    const params = { file: fixture.path('repeated.txt'), content: 'x' };
    await act(next, 'file_write', params, { ...keyOf('repeated'), lease_number: 1 });
    const interrupt = () =>
      fixture.sql.query(
        "update gateway.executions set state = 'running', boot_id = 'dead', http_status = null, " +
          "response = null, finished_at = null, alive_until = now() where task_id = 'repeated'",
      );
    await interrupt();
    writeFileSync(params.file, 'half');
    expect(await act(next, 'file_write', params, { ...keyOf('repeated'), lease_number: 0 })).toMatchObject({
      status: 409,
      body: { outcome: 'unknown' },
    });
    const answers = await Promise.all(
      [next, other, next, other].map((at) =>
        act(at, 'file_write', params, { ...keyOf('repeated'), lease_number: 2 }),
      ),
    );
    expect(answers.map(({ body }) => body.status)).toEqual(Array(4).fill('success'));
    expect(answers.filter(({ body }) => body.idempotent_replay !== true)).toHaveLength(1);
  });

  it('that was only silent for too long tells its caller what the key was settled with', async () => {
    const silent = await fixture.start();
    const slow = fixture.slowTest('silent');
    const running = act(silent, 'run_tests', slow.params, keyOf('silent'));
    await slow.started();
    await timePasses();
    const settled = await act(await fixture.start(), 'run_tests', slow.params, keyOf('silent'));
    expect(settled.body.error).toMatch(/^The gateway stopped while this action ran/);
    slow.letGo();
    expect((await running).body).toEqual(settled.body);
  });
});

it('a gateway that is told to end lets running actions finish and exits with 0', async () => {
  const leaving = await startProgram();
  const slow = fixture.slowTest('leaving');
  const running = act(leaving, 'run_tests', slow.params);
  await slow.started();
  const exit = leaving.program.kill('SIGTERM');
  slow.letGo();
  expect((await running).body.result.returncode).toBe(0);
  expect(await exit).toBe(0);
});
