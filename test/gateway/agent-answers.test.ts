import { describe, expect, it } from '@jest/globals';
import { AgentStage, keyOf, SETTINGS } from './agent-stage.js';
import { act } from './fixture.js';

const stage = AgentStage.forTests();

describe('what an agent answers', () => {
  it('is passed on with its status', async () => {
    const agent = await stage.seated();
    const asked = act(stage.gateway, 'file_write', {}, { confirmed: false });
    const request = await agent.request();
    expect(request.confirmed).toBe(false);
    agent.answer(request, { status: 'error', result: undefined, error: 'Operator denied the action.' });
    expect(await asked).toEqual({
      status: 200,
      body: { status: 'error', action: 'file_write', error: 'Operator denied the action.' },
    });
  });

  it('with not_executed leaves the key unused', async () => {
    const agent = await stage.seated({ hello: { agent_version: '1', capabilities: [], agent_id: 'me' } });
    const asked = act(stage.gateway, 'git_commit', {}, keyOf('leaving'));
    agent.answer(await agent.request(), {
      status: 'error',
      result: undefined,
      error: 'The agent is shutting down.',
      outcome: 'not_executed',
    });
    expect(await asked).toMatchObject({ status: 503, body: { outcome: 'not_executed' } });
    const again = act(stage.gateway, 'git_commit', {}, keyOf('leaving'));
    const second = await agent.request(1);
    expect(second).not.toHaveProperty('recall');
    agent.answer(second);
    expect((await again).body).not.toHaveProperty('idempotent_replay');
  });

  it('too late is heard all the same: the caller gets 504, and the same key joins', async () => {
    const patient = await stage.fixture.start({
      env: { ...SETTINGS },
      config: { answerGraceMs: -119_800 },
    });
    const agent = await stage.seated({}, patient);
    const late = await act(patient, 'git_commit', {}, keyOf('late'));
    expect(late).toEqual({
      status: 504,
      body: { error: 'Agent did not respond in time.', outcome: 'unknown' },
    });
    const again = act(patient, 'git_commit', {}, keyOf('late'));
    agent.answer(await agent.request());
    expect((await again).body).toMatchObject({ status: 'success', idempotent_replay: true });
    expect(agent.frames.filter(({ type }) => type === 'action_request')).toHaveLength(1);
    await patient.close();
  });
});

describe('a key whose answer was lost', () => {
  const hello = { agent_version: '1', capabilities: [], agent_id: 'me' };
  const lose = async (task: string, more = hello as object) => {
    const agent = await stage.seated({ hello: more });
    const lost = act(stage.gateway, 'git_commit', {}, keyOf(task));
    await agent.request();
    agent.terminate();
    expect(await lost).toMatchObject({
      status: 503,
      body: { error: 'Agent disconnected.', outcome: 'unknown' },
    });
  };
  const ask = (task: string) => act(stage.gateway, 'git_commit', {}, keyOf(task));
  const away = { status: 503, body: { error: 'Agent disconnected.', outcome: 'unknown' } };

  it('is asked of the same agent only, which tells what became of it', async () => {
    await lose('same');
    expect(await ask('same')).toEqual(away);
    const other = await stage.seated({ hello: { ...hello, agent_id: 'other' } });
    expect(await ask('same')).toEqual(away);
    other.terminate();
    await other.closed();
    const back = await stage.seated({ hello });
    const asked = ask('same');
    const request = await back.request();
    expect(request.recall).toBe(true);
    back.answer(request, { idempotent_replay: true });
    expect((await asked).body).toMatchObject({ status: 'success', idempotent_replay: true });
    expect(other.frames.filter(({ type }) => type === 'action_request')).toEqual([]);
  });

  it('is given anew when the agent has not run it', async () => {
    await lose('unused');
    const back = await stage.seated({ hello });
    const asked = ask('unused');
    const recall = await back.request();
    back.answer(recall, { status: 'error', result: undefined, error: '?', outcome: 'not_executed' });
    const anew = await back.request(1);
    expect(anew).not.toHaveProperty('recall');
    back.answer(anew);
    expect((await asked).body).toMatchObject({ status: 'success' });
  });

  it('stays open when the agent is lost once more while it is asked', async () => {
    await lose('again');
    const back = await stage.seated({ hello });
    const asked = ask('again');
    await back.request();
    back.terminate();
    expect(await asked).toMatchObject({ status: 503, body: { outcome: 'unknown' } });
    expect(await ask('again')).toEqual(away);
  });

  it.each([
    ['an agent that has no memory', { agent_version: '1', capabilities: [] }, ''],
    ['an agent that has forgotten it', hello, 'recallable_until = now()'],
  ])('by %s is told to be unknown, for good', async (what, more, change) => {
    await lose(what, more);
    if (change !== '') {
      await stage.fixture.sql.query(`update gateway.executions set ${change} where task_id = $1`, [what]);
    }
    const agent = await stage.seated({ hello: more });
    const error = 'The answer of the executor was lost; whether the action took effect is unknown.';
    expect((await ask(what)).body).toEqual({ status: 'error', action: 'git_commit', error });
    expect((await ask(what)).body).toMatchObject({ error, idempotent_replay: true });
    expect(agent.frames.filter(({ type }) => type === 'action_request')).toEqual([]);
  });

  it('is never given to this machine, although it could execute it', async () => {
    await stage.gateway.close();
    stage.gateway = await stage.start({ SKYNET_ALLOWED_ROOTS: stage.fixture.root });
    const agent = await stage.seated({ hello });
    const file = { file: stage.fixture.path('elsewhere.txt'), content: 'x' };
    const lost = act(stage.gateway, 'file_write', file, keyOf('elsewhere'));
    await agent.request();
    agent.terminate();
    expect((await lost).body.outcome).toBe('unknown');
    expect(await act(stage.gateway, 'file_write', file, keyOf('elsewhere'))).toEqual(away);
    // A new key finds this machine.
    expect((await act(stage.gateway, 'file_write', file, keyOf('new'))).body.status).toBe('success');
    expect((await stage.sessions()).map(({ session_id }) => session_id)).toEqual(['local']);
  });
});
