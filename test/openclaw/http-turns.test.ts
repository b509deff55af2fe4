import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { Program } from '../support/program.js';
import { FakeOpenClaw } from './fake-openclaw.js';
import { ended, events, gate, register, SETTINGS, startPlane, taskOf, turn } from './fixture.js';

const HTTP = { SKYNET_OPENCLAW_HTTP_TURNS: '1' };

let claw: FakeOpenClaw;
let api: TestControlPlane;
beforeEach(async () => {
  claw = await FakeOpenClaw.start();
  claw.hasWebSocket = false;
});
afterEach(async () => {
  await api.close();
  await claw.kill();
});

const begun = () => claw.until(({ modelCalls }) => modelCalls.length === 1);
const sent = () => claw.paths.filter((path) => path === '/v1/chat/completions').length;
const turnsLeft = async () => (await api.query('select * from openclaw_turns')).length;
const nothingLeft = () =>
  eventually('nothing is left of it', async () => ((await turnsLeft()) === 0 ? true : undefined));

describe('a gateway without a WebSocket', () => {
  it('is sent turns over HTTP, with the session of the task, and what it writes is told', async () => {
    api = await startPlane(HTTP);
    expect((await register(api, claw)).status).toBe('online');
    const { opened, open } = gate();
    claw.model = async ({ emit }) => {
      emit('the whole ');
      await opened;
      return 'the whole text';
    };
    await turn(api, 't', { model: 'stub/stub-1' });
    const told = await eventually('some of it is told', async () =>
      (await events(api, 't')).find(({ event_type }) => event_type === 'turn_text'),
    );
    expect(told.payload.text).toBe('the whole ');
    open();
    expect(await ended(api, 't')).toMatchObject({
      status: 'succeeded',
      result: { text: 'the whole text', session_key: 'agent:main:skynet-t', over_http: true },
    });
    expect(claw.modelCalls).toEqual(['do t']);
    const headers = claw.headers.find((of) => of['x-openclaw-session-key'] !== undefined);
    expect(headers).toMatchObject({
      ...{ 'x-openclaw-session-key': 'agent:main:skynet-t', 'x-openclaw-model': 'stub/stub-1' },
    });
    await nothingLeft();
  });

  it('is sent none without the operator’s word, which its status says', async () => {
    api = await startPlane();
    const registered = await register(api, claw);
    expect(registered.status).toBe('degraded');
    expect(registered.status_reason).toContain('its WebSocket cannot be opened: ');
    await turn(api, 't');
    expect(claw.modelCalls).toEqual([]);
  });

  it('is sent none that may only read, since no permission mode can be set', async () => {
    api = await startPlane(HTTP);
    await register(api, claw);
    await turn(api, 't', { permission_mode: 'read-only' });
    await eventually('it was tried', async () =>
      (await taskOf(api, 't')).status === 'released' ? true : undefined,
    );
    expect([sent(), claw.modelCalls]).toEqual([0, []]);
    await nothingLeft();
  });

  it('that serves no turns over HTTP either is not online', async () => {
    claw.hasCompletions = false;
    api = await startPlane(HTTP);
    expect((await register(api, claw)).status).toBe('degraded');
  });

  it('and that lets us in is talked to over the WebSocket', async () => {
    claw.hasWebSocket = true;
    api = await startPlane(HTTP);
    await register(api, claw);
    await turn(api, 't');
    await ended(api, 't');
    expect([sent(), claw.count('agent')]).toEqual([0, 1]);
  });
});

describe('a turn over HTTP', () => {
  beforeEach(async () => {
    api = await startPlane(HTTP);
    await register(api, claw);
  });

  it('that the model fails is a failure of the task', async () => {
    claw.model = () => Promise.reject(new Error('the model is gone'));
    await turn(api, 't');
    expect(await ended(api, 't')).toMatchObject({ status: 'failed', error: 'the model is gone' });
  });

  it('for an agent that is not there fails', async () => {
    await turn(api, 't', { agent: 'nobody' });
    expect(await ended(api, 't')).toMatchObject({
      status: 'failed',
      error: 'unknown agent: openclaw/nobody',
    });
    await nothingLeft();
  });

  it('ends at its own limit, by hanging up', async () => {
    let why = '';
    claw.model = ({ signal }) => {
      signal.addEventListener('abort', () => (why = String(signal.reason)));
      return new Promise<string>(() => undefined);
    };
    await turn(api, 't', { timeout_seconds: 1 });
    expect((await ended(api, 't')).error).toBe('The turn was ended at its limit of 1 s.');
    await eventually('the gateway has noticed', () => Promise.resolve(why === 'hang-up' ? true : undefined));
  });

  it('that is cancelled is hung up on, and nothing is left of it', async () => {
    let why = '';
    claw.model = ({ signal }) => {
      signal.addEventListener('abort', () => (why = String(signal.reason)));
      return new Promise<string>(() => undefined);
    };
    await turn(api, 't');
    await begun();
    await api.post('/v1/tasks/t/cancel');
    await eventually('the gateway has noticed', () => Promise.resolve(why === 'hang-up' ? true : undefined));
    await nothingLeft();
    expect((await taskOf(api, 't')).status).toBe('failed');
  });

  it('waits where the gateway takes nothing new', async () => {
    claw.suspension.prepare({ requestId: 'somebody else' });
    await turn(api, 't');
    await eventually('it is not taken', async () => {
      const [row] = (await api.fetch('/v1/system-state')).body.gateways;
      return row.status === 'degraded' ? true : undefined;
    });
    expect(claw.modelCalls).toEqual([]);
    claw.suspension.forget();
    await api.query(`update tasks set next_attempt_at = now() where id = 't'`);
    expect((await ended(api, 't')).status).toBe('succeeded');
    expect(claw.modelCalls).toHaveLength(1);
  });

  it('during which the gateway is killed is adopted when it is resumed, and not sent again', async () => {
    const { opened, open } = gate();
    claw.model = async ({ message }) => {
      await opened;
      return `echo: ${message}`;
    };
    await turn(api, 't');
    await begun();
    await claw.kill();
    await claw.restart();
    await claw.until(({ modelCalls }) => modelCalls.length === 2);
    open();
    expect(await ended(api, 't', 25_000)).toMatchObject({
      status: 'succeeded',
      result: { text: 'echo: do t', from_transcript: true },
    });
    expect(sent()).toBe(1);
    expect(claw.modelCalls).toHaveLength(2);
  });

  it('that is interrupted and not resumed is given up, and not sent again', async () => {
    claw.model = () => new Promise<string>(() => undefined);
    await turn(api, 't');
    await begun();
    await claw.kill();
    claw.resumes = false;
    await claw.restart();
    expect(await ended(api, 't', 25_000)).toMatchObject({
      status: 'failed',
      error: 'The turn was interrupted and not resumed',
    });
    expect(sent()).toBe(1);
  });

  it('of a task that is tried again is not taken for the one before', async () => {
    claw.model = () => Promise.reject(new Error('not yet'));
    await turn(api, 't');
    await ended(api, 't');
    claw.model = () => new Promise<string>(() => undefined);
    await api.post('/v1/tasks/t/retry');
    await claw.until(({ modelCalls }) => modelCalls.length === 2);
    await claw.kill();
    claw.model = () => Promise.resolve('the second');
    await claw.restart();
    expect((await ended(api, 't', 25_000)).result.text).toBe('the second');
    expect(sent()).toBe(2);
  });
});

describe('a control plane that is killed during a turn over HTTP', () => {
  it('has hung up: the next one sees that, and does not send it again', async () => {
    const ENV = { ...SETTINGS, ...HTTP, SKYNET_PORT: '0', SKYNET_LOG_LEVEL: 'silent' };
    api = await startPlane({ ...HTTP, SKYNET_CONTROL_SCHEDULER_ENABLED: '0' });
    await register(api, claw);
    claw.model = () => new Promise<string>(() => undefined);
    await turn(api, 't', {}, { lease_seconds: 1 });
    const start = () => Program.start('skynet', ['serve'], { ...ENV, DATABASE_URL: api.databaseUrl });
    const program = start();
    await begun();
    await program.kill('SIGKILL');
    const next = start();
    try {
      expect(await ended(api, 't', 50_000)).toMatchObject({
        status: 'failed',
        error: 'The turn was interrupted and not resumed',
      });
      expect(sent()).toBe(1);
    } finally {
      await next.kill('SIGTERM');
    }
  }, 60_000);
});
