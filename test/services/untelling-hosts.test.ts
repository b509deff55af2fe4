import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import {
  aService,
  elapse,
  type Process,
  rollout,
  ScriptedHost,
  service,
  shortly,
  upkeep,
} from './fixture.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());

let made = 0;

/** A host that registers as the daemon of the original SkyClaw does, and a service that only it can run. */
async function anOriginalHost(replicas = 1) {
  const id = `original-${++made}`;
  const register = async (more: object = {}) => {
    const body = { hostId: id, name: id, capabilities: [id], maxParallel: 1, ...more };
    expect((await api.post('/v1/hosts/register', body)).status).toBe(200);
  };
  await register();
  await aService(api, {
    serviceId: id,
    name: id,
    requiredCapabilities: [id],
    replicas,
    maxPerHost: replicas,
  });
  return { id, host: new ScriptedHost(api, id), register };
}

/** A report as the original sends it. */
function says(host: ScriptedHost, { serviceId }: Process, status: string) {
  const report = { hostId: host.id, status, endpoint: 'http://127.0.0.1:3100' };
  return api.post(`/v1/services/${serviceId}/report`, report);
}

describe('a host that does not say what it runs', () => {
  it('is handed what it has to start until it says that it runs', async () => {
    const { id, host } = await anOriginalHost();
    const claimed = await host.take();
    expect(await host.take()).toEqual(claimed);
    expect(shortly(await service(api, id))).toEqual([`${id}/0 g1 pending`]);
    expect((await says(host, claimed, 'running')).status).toBe(200);
    expect(await host.claim()).toBeNull();
  });

  it('has all to start when its daemon has begun anew', async () => {
    const { id, host, register } = await anOriginalHost();
    await says(host, await host.take(), 'running');
    await register();
    expect(await service(api, id)).toMatchObject({
      status: 'pending',
      assignments: [{ hostId: id, status: 'pending', restarts: 0 }],
    });
    expect((await rollout(api, id)).state).toBe('progressing');
    await says(host, await host.take(), 'running');
    expect(shortly(await service(api, id))).toEqual([`${id}/0 g1 running`]);
    expect(await host.claim()).toBeNull();
  });

  it('loses what it does not come back to', async () => {
    const { id, host, register } = await anOriginalHost();
    await says(host, await host.take(), 'running');
    await register();
    await elapse(api, id, 120_000);
    await upkeep(api);
    expect(shortly(await service(api, id))).toEqual([]);
  });

  it('is not handed what others have, nor what was stopped', async () => {
    const { id, host } = await anOriginalHost();
    await host.take();
    await api.post(`/v1/services/${id}/stop`);
    expect(await host.claim()).toBeNull();
  });
});

describe('a host that says what it runs', () => {
  it('is never handed twice what it has to start, whoever asks for it, where and how often', async () => {
    const { id, host, register } = await anOriginalHost(2);
    await register({ activeServices: [] });
    const other = await startTestControlPlane({ databaseUrl: api.databaseUrl });
    try {
      const everywhere = [host, new ScriptedHost(other, id)];
      const claims = await Promise.all(
        [...everywhere, ...everywhere, ...everywhere].map((one) => one.claim()),
      );
      const slots = claims.flatMap((claim) => (claim === null ? [] : [claim.slot]));
      expect(slots.sort()).toEqual([0, 1]);
      for (const one of everywhere) expect(await one.claim()).toBeNull();
    } finally {
      await other.close();
    }
  });

  it('is known from its heartbeats as well', async () => {
    const { id, host } = await anOriginalHost();
    const claimed = await host.take();
    const { serviceId, slot, generation } = claimed;
    const beat = await api.post(`/v1/hosts/${id}/heartbeat`, {
      activeServices: [{ serviceId, slot, generation }],
    });
    expect(beat).toMatchObject({ status: 200, body: { stopServices: [], stopReplicas: [] } });
    expect(await host.claim()).toBeNull();
  });

  it('has lost at once what it does not name when it registers anew', async () => {
    const { id, host, register } = await anOriginalHost();
    await register({ activeServices: [] });
    await host.runOne();
    await register({ activeServices: [] });
    expect(shortly(await service(api, id))).toEqual([`${id}/0 g1 failed`]);
    await elapse(api, id, 1_000);
    expect(await host.claim()).toMatchObject({ serviceId: id });
  });
});
