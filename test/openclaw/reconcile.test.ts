import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { Program } from '../support/program.js';
import { FakeOpenClaw } from './fake-openclaw.js';
import { ended, events, gate, register, SETTINGS, startPlane, taskOf, turn } from './fixture.js';
import { isLong } from '../support/long.js';

let claw: FakeOpenClaw;
let api: TestControlPlane;
beforeEach(async () => {
  claw = await FakeOpenClaw.start();
  api = await startPlane();
  await register(api, claw);
});
afterEach(async () => {
  await api.close();
  await claw.kill();
});

const begun = () => claw.until(({ modelCalls }) => modelCalls.length === 1);
const successes = async (id: string) =>
  (await events(api, id)).filter(({ event_type }) => event_type === 'succeeded').length;

/** Lets the model answer when the gate is open, each time it is asked. */
function answerAfter(opened: Promise<void>): void {
  claw.model = async ({ message }) => {
    await opened;
    return `echo: ${message}`;
  };
}

describe('a connection that breaks during a turn', () => {
  it('is opened anew, and the turn goes on: one question to the model', async () => {
    const { opened, open } = gate();
    answerAfter(opened);
    await turn(api, 't');
    await begun();
    const connects = claw.count('connect');
    claw.cutAll();
    await claw.until((gateway) => gateway.count('agent') >= 2 && gateway.count('connect') > connects);
    open();
    expect((await ended(api, 't')).result.text).toBe('echo: do t');
    expect(claw.modelCalls).toEqual(['do t']);
    expect(await successes('t')).toBe(1);
  });

  it('between the sending and the answer sends the key again, which runs nothing twice', async () => {
    let cuts = 0;
    claw.intercept = (method) => (method === 'agent.wait' && cuts++ === 0 ? 'cut' : null);
    await turn(api, 't');
    expect((await ended(api, 't')).status).toBe('succeeded');
    expect(
      new Set(
        claw.requests
          .filter(({ method }) => method === 'agent')
          .map(({ params }) => params['idempotencyKey']),
      ).size,
    ).toBe(1);
    expect(claw.modelCalls).toEqual(['do t']);
  });

  it('long after the key was sent looks at the transcript: the gateway may have forgotten the key', async () => {
    const { opened, open } = gate();
    answerAfter(opened);
    await turn(api, 't');
    await begun();
    await api.query(`update openclaw_turns set sent_at = now() - interval '6 minutes'`);
    claw.cutAll();
    await claw.until((gateway) => gateway.count('chat.history') > 0);
    open();
    expect((await ended(api, 't')).result.text).toBe('echo: do t');
    expect([claw.count('agent'), claw.modelCalls]).toEqual([1, ['do t']]);
  });

  it('does not make the gateway’s memory longer by sending the key again', async () => {
    const { opened, open } = gate();
    answerAfter(opened);
    const sentAt = async () =>
      (await api.query<{ sent_at: Date }>('select sent_at from openclaw_turns'))[0]?.sent_at;
    await turn(api, 't');
    await begun();
    const first = await sentAt();
    claw.cutAll();
    await claw.until((gateway) => gateway.count('agent') >= 2);
    expect(await sentAt()).toEqual(first);
    open();
    expect((await ended(api, 't')).status).toBe('succeeded');
  });

  it('before the key arrived sends it then', async () => {
    let cuts = 0;
    claw.intercept = (method) => (method === 'agent' && cuts++ === 0 ? 'cut' : null);
    await turn(api, 't');
    expect((await ended(api, 't')).status).toBe('succeeded');
    expect(claw.modelCalls).toEqual(['do t']);
  });
});

describe('a gateway that is killed', () => {
  it('during a turn resumes it by itself, and the task ends once, with what that came to', async () => {
    const { opened, open } = gate();
    answerAfter(opened);
    await turn(api, 't');
    await begun();
    await claw.kill();
    await claw.restart();
    await claw.until(({ modelCalls }) => modelCalls.length === 2);
    open();
    const task = await ended(api, 't');
    expect(task).toMatchObject({ status: 'succeeded', result: { text: 'echo: do t' } });
    expect(claw.count('agent')).toBe(1);
    expect(claw.modelCalls).toHaveLength(2);
    expect(await successes('t')).toBe(1);
  });

  it('after a turn whose end was not heard: the reply is read, and the model is not asked again', async () => {
    claw.intercept = (method) => (method === 'agent.wait' ? 'cut' : null);
    await turn(api, 't');
    await begun();
    await claw.until((gateway) => gateway.count('agent.wait') > 0);
    await claw.kill();
    claw.intercept = () => null;
    await claw.restart();
    const task = await ended(api, 't');
    expect(task).toMatchObject({
      status: 'succeeded',
      result: { text: 'echo: do t', from_transcript: true },
    });
    expect(claw.modelCalls).toEqual(['do t']);
  });

  it('before the key arrived is sent it anew', async () => {
    claw.intercept = (method) => (method === 'agent' ? 'cut' : null);
    await turn(api, 't');
    await claw.until((gateway) => gateway.count('agent') > 0);
    await claw.kill();
    claw.intercept = () => null;
    await claw.restart();
    expect((await ended(api, 't')).status).toBe('succeeded');
    expect(claw.modelCalls).toEqual(['do t']);
  });

  it('and does not resume the turn: it is given up after a while, and not run again', async () => {
    const { opened } = gate();
    answerAfter(opened);
    await turn(api, 't');
    await begun();
    await claw.kill();
    claw.resumes = false;
    await claw.restart();
    const task = await ended(api, 't', 25_000);
    expect(task).toMatchObject({ status: 'failed', error: 'The turn was interrupted and not resumed' });
    expect(claw.modelCalls).toHaveLength(1);
    expect(claw.count('sessions.abort')).toBe(1);
  });

  it('and goes on with it beyond its limit: what it resumed is aborted', async () => {
    await api.close();
    api = await startPlane({ SKYNET_OPENCLAW_APPROVALS: '0' });
    await register(api, claw);
    const { opened } = gate();
    let aborts = 0;
    claw.model = async ({ signal }) => {
      signal.addEventListener('abort', () => (aborts += signal.reason === 'rpc' ? 1 : 0));
      await opened;
      return '';
    };
    await turn(api, 't');
    await begun();
    await claw.kill();
    await api.query(`update openclaw_turns set deadline_at = now() - interval '1 second'`);
    await claw.restart();
    expect(await ended(api, 't', 25_000)).toMatchObject({
      ...{ status: 'failed', error: 'The turn went on beyond its limit, and was aborted.' },
    });
    expect(aborts).toBe(1);
  });

  it('and is not back before it is cancelled: what it resumes is aborted', async () => {
    const { opened } = gate();
    let aborts = 0;
    claw.model = async ({ signal }) => {
      signal.addEventListener('abort', () => (aborts += signal.reason === 'rpc' ? 1 : 0));
      await opened;
      return '';
    };
    await turn(api, 't');
    await begun();
    await claw.kill();
    expect((await api.post('/v1/tasks/t/cancel')).status).toBe(200);
    await claw.restart();
    await eventually('what was resumed is aborted', () => Promise.resolve(aborts > 0 ? true : undefined));
    await eventually('nothing is left of it', async () =>
      (await api.query('select * from openclaw_turns')).length === 0 ? true : undefined,
    );
    expect((await taskOf(api, 't')).status).toBe('failed');
  });
});

describe('a control plane that is killed', () => {
  const ENV = {
    ...SETTINGS,
    SKYNET_PORT: '0',
    SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '0',
    SKYNET_LOG_LEVEL: 'silent',
  };

  /** At which request of the gateway the control plane is killed. */
  const steps = isLong ? ['sessions.create', 'agent', 'agent.wait'] : ['agent'];
  it.each(steps)(
    'at %s: the next one goes on, and the model is asked once',
    async (step) => {
      await api.close();
      const database = api.databaseUrl;
      const fresh = await startPlane({ SKYNET_CONTROL_SCHEDULER_ENABLED: '0' });
      api = fresh;
      expect(fresh.databaseUrl).not.toBe(database);
      await register(api, claw);
      const { opened, open } = gate();
      answerAfter(opened);
      await turn(api, 't', {}, { lease_seconds: 1 });
      const program = Program.start('skynet', ['serve'], { ...ENV, DATABASE_URL: api.databaseUrl });
      let killed: Promise<unknown> | undefined;
      claw.intercept = (method) => {
        if (method !== step || killed !== undefined) return null;
        // The gateway has heard it, and goes on with it: the sender is gone.
        killed = program.kill('SIGKILL');
        return null;
      };
      await claw.until(() => killed !== undefined);
      await killed;
      const next = Program.start('skynet', ['serve'], { ...ENV, DATABASE_URL: api.databaseUrl });
      try {
        await begun();
        open();
        expect((await ended(api, 't', 25_000)).result.text).toBe('echo: do t');
        expect(claw.modelCalls).toEqual(['do t']);
        expect(await successes('t')).toBe(1);
      } finally {
        await next.kill('SIGTERM');
      }
    },
    60_000,
  );
});
