import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { act, post, untilDead } from '../gateway/fixture.js';
import { eventually } from '../support/eventually.js';
import { type Program } from '../support/program.js';
import { AgentFixture, type GatewayProgram } from './fixture.js';

const STOPPED = 'Emergency stop is active — all execution suspended.';

let fixture: AgentFixture;
let gateway: GatewayProgram;
let agent: Program;

beforeAll(async () => {
  fixture = await AgentFixture.create();
});
beforeEach(async () => {
  gateway = await fixture.startGateway();
  agent = await fixture.startConnectedAgent();
});
afterEach(async () => {
  await post(fixture, '/resume').catch(() => undefined);
  await fixture.sql('delete from gateway.emergency_stop');
  await fixture.endPrograms();
});
afterAll(() => fixture.close());

const keyOf = (task_id: string) => ({ task_id, idempotency_key: 'k' });
const look = () => act(fixture, 'list_directory', { directory: fixture.root });

describe('the emergency stop', () => {
  it('kills the whole tree of what an agent runs within a second, and the record says so', async () => {
    const slow = fixture.gateway.slowTest('stopped');
    const running = act(fixture, 'run_tests', slow.params, keyOf('stopped'));
    await slow.started();
    const asked = performance.now();
    expect((await post(fixture, '/emergency-stop')).body).toEqual({ status: 'emergency_stop_sent' });
    const { body } = await running;
    await untilDead(slow.pid());
    expect(performance.now() - asked).toBeLessThan(1_000);
    const killed = { returncode: -1, stderr: 'Process was killed by the emergency stop.' };
    expect(body.result).toMatchObject(killed);
    expect((await look()).body.error).toBe(STOPPED);
    expect((await post(fixture, '/resume')).body).toEqual({ status: 'resume_sent' });
    expect((await look()).body.status).toBe('success');
    const replay = await act(fixture, 'run_tests', slow.params, keyOf('stopped'));
    expect(replay.body).toMatchObject({ result: killed, idempotent_replay: true });
    expect(slow.runs()).toBe(1);
  });

  it('lets an action that waited for its turn say that it has not run', async () => {
    const slow = fixture.gateway.slowTest('turn');
    await act(fixture, 'git_init', { working_dir: slow.folder });
    const running = act(fixture, 'run_tests', slow.params);
    await slow.started();
    const waiting = act(fixture, 'git_add_all', { working_dir: slow.folder }, keyOf('waiting'));
    await eventually('the second is written down', async () => {
      const rows = await fixture.sql("select 1 from gateway.executions where task_id = 'waiting'");
      return rows.length > 0 ? true : undefined;
    });
    await post(fixture, '/emergency-stop');
    expect((await running).body.result.returncode).toBe(-1);
    expect((await waiting).body).toEqual({ status: 'error', action: 'git_add_all', error: STOPPED });
    await post(fixture, '/resume');
    const again = await act(fixture, 'git_add_all', { working_dir: slow.folder }, keyOf('waiting'));
    expect(again.body.result.returncode).toBe(0);
    expect(again.body).not.toHaveProperty('idempotent_replay');
  });

  it('outlives the agent and the gateway', async () => {
    await post(fixture, '/emergency-stop');
    await Promise.all([agent.kill('SIGKILL'), gateway.program.kill('SIGKILL')]);
    await fixture.startGateway();
    const next = fixture.startAgent();
    await eventually('the agent is told', () =>
      Promise.resolve(next.stderr.includes('Emergency stop.') ? true : undefined),
    );
    expect((await look()).body.error).toBe(STOPPED);
  });
});

describe('an agent that is told to end', () => {
  it('lets what runs finish, takes nothing more, and exits with 0', async () => {
    const slow = fixture.gateway.slowTest('leaving');
    const running = act(fixture, 'run_tests', slow.params, keyOf('leaving'));
    await slow.started();
    const exit = agent.kill('SIGTERM');
    await eventually('it takes nothing more', async () => {
      const { status, body } = await look();
      if (status === 200) return undefined;
      expect(body).toMatchObject({ error: 'The agent is shutting down.', outcome: 'not_executed' });
      return true;
    });
    slow.letGo();
    expect((await running).body.result.returncode).toBe(0);
    expect(await exit).toBe(0);
    expect((await fixture.status()).agent_connected).toBe(false);
  });
});

describe('a gateway that is told to end', () => {
  it('leaves what its agent runs alone, and the next one hears its end', async () => {
    const slow = fixture.gateway.slowTest('left');
    const running = act(fixture, 'run_tests', slow.params, keyOf('left'));
    await slow.started();
    const exit = gateway.program.kill('SIGTERM');
    expect(await running).toMatchObject({ status: 503, body: { outcome: 'unknown' } });
    expect(await exit).toBe(0);
    await fixture.startGateway();
    await fixture.untilConnected();
    slow.letGo();
    const again = await act(fixture, 'run_tests', slow.params, keyOf('left'));
    expect(again.body).toMatchObject({ result: { returncode: 0 }, idempotent_replay: true });
    expect(slow.runs()).toBe(1);
  }, 60_000);
});
