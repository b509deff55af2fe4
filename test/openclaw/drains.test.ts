import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { FakeOpenClaw } from './fake-openclaw.js';
import { ended, gate, register, startPlane, turn } from './fixture.js';

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

const order = (verb: 'drain' | 'uncordon' | 'pause') => api.post(`/v1/gateways/claw/${verb}`, {});
const held = (wanted: boolean) =>
  eventually(`it is ${wanted ? '' : 'not '}suspended`, () =>
    Promise.resolve(claw.suspension.isHeld === wanted ? true : undefined),
  );
const stored = () => api.query('select * from openclaw_suspensions');
const prepared = () =>
  claw.requests.filter(({ method }) => method === 'gateway.suspend.prepare').map(({ params }) => params);
const status = async () => (await api.fetch('/v1/gateways/claw')).body.status;
/** Lets the time pass after which what was granted is renewed. */
const pass = () => api.query(`update openclaw_suspensions set asked_at = now() - interval '1 minute'`);

describe('a drained gateway', () => {
  it('takes nothing new from anybody for as long as the drain lasts, and goes on when it is lifted', async () => {
    await order('drain');
    await held(true);
    expect(prepared()[0]).toEqual({ requestId: expect.stringMatching(/^skynet-/), drain: true });
    await eventually('its status says so', async () => ((await status()) === 'degraded' ? true : undefined));
    await order('uncordon');
    await held(false);
    expect(await stored()).toEqual([]);
    await turn(api, 't');
    expect((await ended(api, 't')).status).toBe('succeeded');
  });

  it('is asked again before what it granted is over, by the same name', async () => {
    await order('drain');
    await held(true);
    await pass();
    await claw.until(() => prepared().length > 1);
    expect(new Set(prepared().map(({ requestId }) => requestId)).size).toBe(1);
  });

  it('is asked after a turn of ours has come to its end, which is heard', async () => {
    const { opened, open } = gate();
    claw.model = async () => {
      await opened;
      return 'done';
    };
    await turn(api, 't');
    await claw.until(({ modelCalls }) => modelCalls.length === 1);
    await order('drain');
    expect((await api.fetch('/v1/gateways/claw')).body.drain.in_flight).toBe(1);
    expect(prepared()).toEqual([]);
    open();
    expect((await ended(api, 't')).result.text).toBe('done');
    await held(true);
  });

  it('that starts anew meanwhile is asked anew, and let go', async () => {
    await order('drain');
    await held(true);
    await claw.kill();
    await claw.restart();
    await pass();
    await held(true);
    await order('uncordon');
    await held(false);
    await eventually('nothing is left of it', async () => ((await stored()).length === 0 ? true : undefined));
  });

  it('whose process has forgotten it is let go all the same', async () => {
    await order('drain');
    await held(true);
    await claw.kill();
    await claw.restart();
    await order('uncordon');
    await eventually('nothing is left of it', async () => ((await stored()).length === 0 ? true : undefined));
    expect(claw.suspension.isHeld).toBe(false);
  });

  it('is let go although its first answer was lost', async () => {
    let cuts = 0;
    claw.intercept = (method, params) => {
      if (method !== 'gateway.suspend.prepare' || cuts++ > 0) return null;
      claw.suspension.prepare(params);
      return 'cut';
    };
    await order('drain');
    await held(true);
    await order('uncordon');
    await held(false);
    await eventually('nothing is left of it', async () => ((await stored()).length === 0 ? true : undefined));
  });

  it('is not kept from anything by a pause', async () => {
    await order('pause');
    const { requests } = claw;
    const before = requests.length;
    // The next probe comes after a look at drains, which a pause does not ask for.
    await claw.until(() => requests.length > before + 1);
    expect(prepared()).toEqual([]);
  });
});
