import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { events, ended, startPlane, taskOf, turn } from './fixture.js';
import { RealGateway } from './real-gateway.js';
import { StubModel } from './stub-model.js';

/** `npm run test:openclaw` says where the package is installed; without it these tests are skipped. */
const { OPENCLAW_E2E: wanted, OPENCLAW_E2E_DIR: installed = '' } = process.env;
const LONG_MS = 240_000;

(wanted === '1' ? describe : describe.skip)('a real OpenClaw gateway', () => {
  let model: StubModel;
  let gateway: RealGateway;
  let api: TestControlPlane;

  beforeAll(async () => {
    model = await StubModel.start();
    gateway = await RealGateway.prepare(installed, model.url);
    api = await startPlane({ SKYNET_GATEWAY_PROBE_SECS: '1', SKYNET_OPENCLAW_RESUME_SECS: '30' });
  });
  afterAll(async () => {
    await api.close();
    await gateway.remove();
    await model.close();
  });

  const status = async () => (await api.fetch('/v1/system-state')).body.gateways[0].status;
  const until = (wanted: string) =>
    eventually(`it is ${wanted}`, async () => ((await status()) === wanted ? true : undefined), LONG_MS);
  const register = async (credential: string) =>
    (
      await api.post('/v1/register-gateway', {
        ...{ gateway_id: 'claw', host: gateway.url, protocol: 'openclaw', credential },
      })
    ).body;

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
      const task = await ended(api, 'turn', 60_000);
      expect(task).toMatchObject({ status: 'succeeded', result: { text: 'STUB OK' } });
      expect(model.count('run-one-turn')).toBe(1);
      expect(model.count('/exec security=full')).toBe(1);
      expect((await events(api, 'turn')).filter(({ event_type }) => event_type === 'succeeded')).toHaveLength(
        1,
      );
    },
    LONG_MS,
  );

  it(
    'calls a tool, and hides the shell',
    async () => {
      const call = (id: string, tool: string) =>
        api.post('/v1/tasks/enqueue', { task_id: id, action: 'openclaw.tool', params: { tool } });
      await call('tool', 'sessions_list');
      expect((await ended(api, 'tool', 60_000)).status).toBe('succeeded');
      await call('hidden', 'exec');
      expect(await ended(api, 'hidden', 60_000)).toMatchObject({
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
      expect((await ended(api, 'long', 60_000)).error).toBe('The turn was ended at its limit of 3 s.');
      await turn(api, 'cancelled', { message: 'SLEEP 60 cancelled-turn' });
      await eventually('the model is asked', () =>
        Promise.resolve(model.count('cancelled-turn') === 1 ? true : undefined),
      );
      await api.post('/v1/tasks/cancelled/cancel');
      await eventually('its turn is over', async () =>
        (await api.query('select * from openclaw_turns')).length === 0 ? true : undefined,
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
            60_000,
          );
          expect(approval.command).toBe(`touch ${file(id)}`);
          expect(
            (await api.post(`/v1/tasks/${id}/approvals/${approval.approval_id}`, { decision })).status,
          ).toBe(200);
          expect((await ended(api, id, 60_000)).status).toBe('succeeded');
        }
        await turn(api, 'reader', { message: `EXEC touch ${file('reader')}`, permission_mode: 'read-only' });
        await ended(api, 'reader', 60_000);
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
      await eventually('the model is asked', () =>
        Promise.resolve(model.count('killed-turn') === 1 ? true : undefined),
      );
      await gateway.kill();
      gateway.start();
      await gateway.ready();
      const task = await ended(api, 'killed', LONG_MS);
      expect(task).toMatchObject({ status: 'succeeded', result: { text: 'STUB OK' } });
      expect(
        (await events(api, 'killed')).filter(({ event_type }) => event_type === 'succeeded'),
      ).toHaveLength(1);
      // Once by us, once by the gateway itself when it went on.
      expect(model.count('killed-turn')).toBe(2);
    },
    LONG_MS,
  );

  it(
    'whose model provider refuses fails the task, and stays online',
    async () => {
      model.failsWith = 401;
      await turn(api, 'refused', { message: 'refused-turn' });
      expect((await ended(api, 'refused', 60_000)).status).toBe('failed');
      expect(await status()).toBe('online');
    },
    LONG_MS,
  );
});
