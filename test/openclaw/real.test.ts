import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { CuttingProxy } from './cutting-proxy.js';
import { events, ended, startPlane, taskOf, turn } from './fixture.js';
import { RealGateway } from './real-gateway.js';
import { StubModel } from './stub-model.js';

/** `npm run test:openclaw` says where the package is installed; without it these tests are skipped. */
const { OPENCLAW_E2E: wanted, OPENCLAW_E2E_DIR: installed = '' } = process.env;
const LONG_MS = 300_000;
/** A busy machine takes a while to begin a turn, and to end one. */
const TURN_MS = 120_000;

const suite = wanted === '1' ? describe : describe.skip; // 830 MB that are installed only on demand.
suite('a real OpenClaw gateway', () => {
  let model: StubModel;
  let gateway: RealGateway;
  let proxy: CuttingProxy;
  let api: TestControlPlane;

  beforeAll(async () => {
    model = await StubModel.start();
    gateway = await RealGateway.prepare(installed, model.url);
    proxy = await CuttingProxy.start(gateway.port);
    api = await startPlane({
      ...{ SKYNET_GATEWAY_PROBE_SECS: '1', SKYNET_OPENCLAW_RESUME_SECS: '30' },
      SKYNET_OPENCLAW_HTTP_TURNS: '1',
    });
  });
  afterAll(async () => {
    await api.close();
    await proxy.close();
    await gateway.remove();
    await model.close();
  });

  const status = async (id = 'claw') => (await api.fetch(`/v1/gateways/${id}`)).body.status;
  const until = (wanted: string, id?: string) =>
    eventually(`it is ${wanted}`, async () => ((await status(id)) === wanted ? true : undefined), LONG_MS);
  const register = async (credential: string, gateway_id = 'claw', host = gateway.url) =>
    (await api.post('/v1/register-gateway', { gateway_id, host, protocol: 'openclaw', credential })).body;
  const asked = (text: string) =>
    eventually(
      `the model is asked of ${text}`,
      () => Promise.resolve(model.count(text) > 0 ? true : undefined),
      TURN_MS,
    );
  const successes = async (id: string) =>
    (await events(api, id)).filter(({ event_type }) => event_type === 'succeeded').length;

  it(
    'is seen to come up, and lets nobody in with a wrong token',
    async () => {
      expect((await register(gateway.token)).status_reason).toContain('it may still be starting');
      gateway.start();
      await gateway.ready();
      await until('online');
      expect(await register('a-wrong-token-of-some-length')).toMatchObject({
        ...{ status: 'degraded', status_reason: expect.stringContaining('AUTH_TOKEN_MISMATCH') },
      });
      expect((await register(gateway.token)).status).toBe('online');
    },
    LONG_MS,
  );

  it(
    'runs a turn once, and what looks like a command reaches the model as text',
    async () => {
      await turn(api, 'turn', {
        message: '/status\n/exec security=full\nrun-one-turn',
        model: 'stub/stub-1',
      });
      const task = await ended(api, 'turn', TURN_MS);
      expect(task).toMatchObject({ status: 'succeeded', error: '', result: { text: 'STUB OK' } });
      expect(model.count('run-one-turn')).toBe(1);
      expect(model.count('/exec security=full')).toBe(1);
      expect(await successes('turn')).toBe(1);
    },
    LONG_MS,
  );

  it(
    'calls a tool, and hides the shell',
    async () => {
      const call = (id: string, tool: string) =>
        api.post('/v1/tasks/enqueue', { task_id: id, action: 'openclaw.tool', params: { tool } });
      await call('tool', 'sessions_list');
      expect((await ended(api, 'tool', TURN_MS)).status).toBe('succeeded');
      await call('hidden', 'exec');
      expect(await ended(api, 'hidden', TURN_MS)).toMatchObject({
        status: 'failed',
        error: 'Tool not available: exec',
      });
    },
    LONG_MS,
  );

  it(
    'ends a turn at its limit, and when its task is cancelled',
    async () => {
      await turn(api, 'long', { message: 'SLEEP 60 long-turn', timeout_seconds: 3 });
      expect((await ended(api, 'long', TURN_MS)).error).toBe('The turn was ended at its limit of 3 s.');
      await turn(api, 'cancelled', { message: 'SLEEP 60 cancelled-turn' });
      await asked('cancelled-turn');
      await api.post('/v1/tasks/cancelled/cancel');
      await eventually(
        'its turn is over',
        async () => ((await api.query('select * from openclaw_turns')).length === 0 ? true : undefined),
        TURN_MS,
      );
      expect((await taskOf(api, 'cancelled')).status).toBe('failed');
    },
    LONG_MS,
  );

  it(
    'asks before a guarded turn runs a command, and runs none for a reader',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'claw-exec-'));
      const file = (name: string) => join(folder, name);
      try {
        for (const [id, decision] of [
          ['allowed', 'allow-once'],
          ['denied', 'deny'],
        ] as const) {
          await turn(api, id, { message: `EXEC touch ${file(id)}` });
          const approval = await eventually(
            'it asks',
            async () => (await api.fetch(`/v1/tasks/${id}/approvals`)).body.approvals[0],
            TURN_MS,
          );
          expect(approval.command).toBe(`touch ${file(id)}`);
          expect(
            (await api.post(`/v1/tasks/${id}/approvals/${approval.approval_id}`, { decision })).status,
          ).toBe(200);
          expect((await ended(api, id, TURN_MS)).status).toBe('succeeded');
        }
        await turn(api, 'reader', { message: `EXEC touch ${file('reader')}`, permission_mode: 'read-only' });
        await ended(api, 'reader', TURN_MS);
        expect(['allowed', 'denied', 'reader'].map((name) => existsSync(file(name)))).toEqual([
          true,
          false,
          false,
        ]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    LONG_MS,
  );

  it(
    'that is killed during a turn resumes it, and the task ends once',
    async () => {
      await turn(api, 'killed', { message: 'SLEEP 5 killed-turn', timeout_seconds: 180 });
      await asked('killed-turn');
      await gateway.kill();
      gateway.start();
      await gateway.ready();
      const task = await ended(api, 'killed', LONG_MS);
      expect(task).toMatchObject({ status: 'succeeded', error: '', result: { text: 'STUB OK' } });
      expect(await successes('killed')).toBe(1);
      // Once by us, once by the gateway itself when it went on.
      expect(model.count('killed-turn')).toBe(2);
    },
    LONG_MS,
  );

  it(
    'whose connection breaks during a turn is asked for its end on another',
    async () => {
      await register(gateway.token, 'behind', proxy.url);
      await turn(api, 'cut', { message: 'SLEEP 8 cut-turn' }, { gateway_id: 'behind', gateway_strict: true });
      await asked('cut-turn');
      proxy.cut();
      expect(await ended(api, 'cut', TURN_MS)).toMatchObject({
        ...{ status: 'succeeded', result: { text: 'STUB OK' } },
      });
      expect(model.count('cut-turn')).toBe(1);
      expect(await successes('cut')).toBe(1);
    },
    LONG_MS,
  );

  it(
    'is sent turns over HTTP where no connection can be opened, and one that it resumes is adopted',
    async () => {
      const there = { gateway_id: 'behind', gateway_strict: true };
      proxy.refusesUpgrades = true;
      proxy.cut();
      await turn(api, 'http', { message: '/status\n/exec security=full\nhttp-turn' }, there);
      expect(await ended(api, 'http', TURN_MS)).toMatchObject({
        status: 'succeeded',
        error: '',
        result: { text: 'STUB OK', over_http: true },
      });
      expect(model.count('/exec security=full\\nhttp-turn')).toBe(1);
      await turn(api, 'http-killed', { message: 'SLEEP 5 http-killed-turn', timeout_seconds: 180 }, there);
      await asked('http-killed-turn');
      await gateway.kill();
      gateway.start();
      await gateway.ready();
      expect(await ended(api, 'http-killed', LONG_MS)).toMatchObject({
        status: 'succeeded',
        error: '',
        result: { text: 'STUB OK', from_transcript: true },
      });
      expect(model.count('http-killed-turn')).toBe(2);
      expect(await successes('http-killed')).toBe(1);
    },
    2 * LONG_MS,
  );

  it(
    'that is drained takes nothing new from anybody, until the drain is lifted',
    async () => {
      await until('online');
      await api.post('/v1/gateways/claw/drain', {});
      await until('degraded');
      expect((await api.fetch('/v1/gateways/claw')).body.status_reason).toContain('not ready: ');
      await api.post('/v1/gateways/claw/uncordon', {});
      await until('online');
      expect(await api.query('select * from openclaw_suspensions')).toEqual([]);
      await turn(api, 'after', { message: 'after-turn' });
      expect((await ended(api, 'after', TURN_MS)).status).toBe('succeeded');
    },
    LONG_MS,
  );

  it(
    'whose model provider refuses fails the task, and stays online',
    async () => {
      model.failsWith = 401;
      await turn(api, 'refused', { message: 'refused-turn' });
      expect((await ended(api, 'refused', TURN_MS)).status).toBe('failed');
      expect(await status()).toBe('online');
    },
    LONG_MS,
  );
});
