import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { aGroup, aHost, aService, elapse, fallSilent, rollout, service, shortly } from './fixture.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());

/** Hosts that run nothing yet, and the way to deploy a service that only they can run. */
async function anIdleFleet(size: number, more: object = {}) {
  const { id, hosts } = await aGroup(api, size);
  const wish = { serviceId: id, name: id, requiredCapabilities: [id], replicas: size };
  const deploy = (command: string, other: object = {}) =>
    aService(api, { ...wish, ...more, command, ...other });
  const running = async () =>
    (await service(api, id)).assignments.filter(({ status }: { status: string }) => status === 'running')
      .length;
  return { id, hosts, deploy, running };
}

describe('a new generation', () => {
  it('replaces the old one replica by replica, each beside the old process until it runs', async () => {
    const { id, hosts, deploy, running } = await anIdleFleet(3);
    await deploy('v1');
    for (const host of hosts) await host.runAll();
    expect(await rollout(api, id)).toMatchObject({
      ...{ state: 'complete', generation: 1, updated: 3, ready: 3, old: 0 },
      message: '3 of 3 replicas run generation 1.',
    });
    expect(await deploy('v2')).toMatchObject({ generation: 2, status: 'running' });
    for (const [index, host] of hosts.entries()) {
      const next = await host.take();
      expect(next).toMatchObject({ slot: 0, generation: 2, service: { command: 'v2' } });
      // It is the turn of one: the next waits until this one runs, and all old ones serve meanwhile.
      for (const other of hosts) expect(await other.claim()).toBeNull();
      expect(await running()).toBe(3);
      expect(await rollout(api, id)).toMatchObject({ state: 'progressing', ready: index, old: 3 - index });
      await host.runs(next);
      expect(await running()).toBe(3);
      const old = { serviceId: id, slot: 0, generation: 1 };
      expect(await host.beat()).toEqual({ services: [], replicas: [old] });
      expect(await host.beat([next])).toEqual({ services: [], replicas: [] });
    }
    expect(await rollout(api, id)).toMatchObject({ state: 'complete', generation: 2, ready: 3, old: 0 });
    expect((await rollout(api, id)).finishedAt).toBeDefined();
  });

  it('is what a restart makes, of the same spec', async () => {
    const { id, hosts, deploy } = await anIdleFleet(1);
    await deploy('v1', { env: { A: 'b' } });
    await hosts[0].runAll();
    const restarted = await api.post(`/v1/services/${id}/restart`);
    expect(restarted.body.service).toMatchObject({ generation: 2, command: 'v1', env: { A: '***' } });
    const next = await hosts[0].take();
    expect(next.service.env).toEqual({ A: 'b' });
    await hosts[0].runs(next);
    expect(shortly(await service(api, id))).toEqual([`${hosts[0].id}/0 g2 running`]);
  });

  it('goes to another host where the one with the old replica may not start it', async () => {
    const { id, hosts, deploy } = await anIdleFleet(2);
    await deploy('v1', { replicas: 1 });
    const [first, second] = [hosts[0], hosts[1]];
    await first.runAll();
    await deploy('v2', { replicas: 1 });
    expect(await second.claim()).toBeNull();
    await first.order({ verb: 'cordon', reason: 'test' });
    expect(await first.claim()).toBeNull();
    await second.runAll();
    expect(shortly(await service(api, id))).toEqual([`${second.id}/0 g2 running`]);
    expect(await first.beat()).toEqual({ services: [id], replicas: [] });
  });

  it('takes over at once what does not run', async () => {
    const { id, hosts, deploy } = await anIdleFleet(2);
    await deploy('v1');
    const pending = await hosts[0].take();
    await hosts[1].fails(await hosts[1].take());
    await deploy('v2');
    expect(shortly(await service(api, id))).toEqual([]);
    expect(await hosts[0].beat()).toEqual({ services: [id], replicas: [] });
    expect((await hosts[0].report(pending, 'running')).status).toBe(409);
    for (const host of hosts) expect(await host.runAll()).toMatchObject([{ generation: 2 }]);
  });

  it('can be superseded while it is under way', async () => {
    const { id, hosts, deploy, running } = await anIdleFleet(3);
    await deploy('v1');
    for (const host of hosts) await host.runAll();
    await deploy('v2');
    await hosts[0].runAll();
    const late = await hosts[1].take();
    await deploy('v3');
    expect((await hosts[1].report(late, 'running')).status).toBe(409);
    for (let round = 0; round < 3; round++) {
      for (const host of hosts) await host.runAll();
      expect(await running()).toBe(3);
    }
    expect(shortly(await service(api, id)).map((line) => line.split(' ')[1])).toEqual(['g3', 'g3', 'g3']);
    expect((await rollout(api, id)).state).toBe('complete');
  });

  it('keeps what ten generations before it ran, and no more', async () => {
    const { id, deploy } = await anIdleFleet(0, { replicas: 1 });
    for (let index = 0; index < 15; index++) await deploy(`v${index}`);
    const kept = await api.query<{ generation: number }>(
      `select generation from service_generations where service_id = $1 order by 1`,
      [id],
    );
    expect(kept.map(({ generation }) => generation)).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  });
});

describe('a generation that does not come up', () => {
  it('is rolled back after three failures, with the reason, and the old replicas never cease to serve', async () => {
    const { id, hosts, deploy, running } = await anIdleFleet(2);
    await deploy('good');
    for (const host of hosts) await host.runAll();
    await deploy('bad');
    for (let failures = 1; failures <= 3; failures++) {
      const claims = await Promise.all(hosts.map(async (host) => ({ host, next: await host.claim() })));
      const [claim] = claims.flatMap(({ host, next }) => (next === null ? [] : [{ host, next }]));
      if (claim === undefined) throw new Error('Nobody may try the generation.');
      const { host, next } = claim;
      expect(next).toMatchObject({ generation: 2 });
      await host.fails(next, 'service process exited with code 7');
      expect(await running()).toBe(2);
      await elapse(api, id, 10_000);
    }
    expect(await service(api, id)).toMatchObject({ generation: 1, status: 'running', command: 'good' });
    expect(shortly(await service(api, id)).map((line) => line.split(' ').slice(1))).toEqual([
      ['g1', 'running'],
      ['g1', 'running'],
    ]);
    const told = await rollout(api, id);
    expect(told).toMatchObject({ state: 'rolled-back', generation: 1, ready: 2, old: 0 });
    expect(told.message).toBe(
      'Went back to generation 1: generation 2 failed 3 times: service process exited with code 7. ' +
        '2 of 2 replicas run generation 1.',
    );
    for (const host of hosts) expect(await host.claim()).toBeNull();
    expect(await deploy('better')).toMatchObject({ generation: 3 });
    for (const host of hosts) await host.runAll();
    expect(await rollout(api, id)).toMatchObject({ state: 'complete', generation: 3 });
  });

  it('is rolled back when it takes too long, and its process is told to end while the old one goes on', async () => {
    const { id, hosts, deploy } = await anIdleFleet(1);
    const host = hosts[0];
    await deploy('good');
    const old = await host.runOne();
    await deploy('hangs');
    const next = await host.take();
    await elapse(api, id, 119_000);
    expect((await rollout(api, id)).state).toBe('progressing');
    await elapse(api, id, 1_000);
    const told = await rollout(api, id);
    expect(told).toMatchObject({ state: 'rolled-back', generation: 1, ready: 1 });
    expect(told.message).toContain('generation 2 did not come up within 120000 ms');
    expect(await host.beat([old, next])).toEqual({
      services: [],
      replicas: [{ serviceId: id, slot: 0, generation: 2 }],
    });
    expect((await host.report(next, 'running')).status).toBe(409);
    expect((await host.report(old, 'running')).status).toBe(200);
  });

  it('is rolled back half-way, one by one', async () => {
    const { id, hosts, deploy, running } = await anIdleFleet(3);
    await deploy('good');
    for (const host of hosts) await host.runAll();
    await deploy('bad');
    expect(await hosts[0].runAll()).toHaveLength(1);
    expect(await hosts[1].claim()).not.toBeNull();
    await elapse(api, id, 120_000);
    expect(await rollout(api, id)).toMatchObject({ state: 'rolled-back', ready: 2, old: 1 });
    expect(await hosts[1].claim()).toBeNull();
    const back = await hosts[0].take();
    expect(back).toMatchObject({ generation: 1, service: { command: 'good' } });
    expect(await running()).toBe(3);
    await hosts[0].runs(back);
    expect(await rollout(api, id)).toMatchObject({ state: 'rolled-back', ready: 3, old: 0, updated: 3 });
  });

  it('is tried on when there is nothing to go back to, and counts as complete once it runs', async () => {
    const { id, hosts, deploy } = await anIdleFleet(1);
    await deploy('first');
    for (let failures = 1; failures <= 3; failures++) {
      await hosts[0].fails(await hosts[0].take(), 'no such file');
      await elapse(api, id, 10_000);
    }
    const told = await rollout(api, id);
    expect(told.state).toBe('failed');
    expect(told.message).toContain(
      'no earlier generation to go back to: generation 1 failed 3 times: no such file',
    );
    expect((await service(api, id)).status).toBe('failed');
    expect(await hosts[0].runAll()).toHaveLength(1);
    expect((await rollout(api, id)).state).toBe('complete');
  });

  it('goes on to wait while it only lacks hosts', async () => {
    const { id, hosts, deploy } = await anIdleFleet(1);
    await deploy('v1', { replicas: 3 });
    await hosts[0].runAll();
    await elapse(api, id, 3_600_000);
    expect(await rollout(api, id)).toMatchObject({ state: 'progressing', ready: 1, replicas: 3 });
    expect((await service(api, id)).status).toBe('running');
  });

  it('counts the settings, not constants', async () => {
    const strict = await startTestControlPlane({
      databaseUrl: api.databaseUrl,
      env: { SKYCLAW_ROLLOUT_MAX_FAILURES: '1' },
    });
    try {
      const host = await aHost(strict, { capabilities: ['strict'] });
      await aService(strict, { serviceId: 'strict', requiredCapabilities: ['strict'] });
      const reply = await strict.post('/v1/services/strict/report', {
        ...{ hostId: host.id, status: 'failed', slot: (await host.take()).slot },
      });
      expect(reply.status).toBe(200);
      expect((await rollout(strict, 'strict')).state).toBe('failed');
    } finally {
      await strict.close();
    }
  });
});

describe('a complete rollout', () => {
  it('is under way again while more replicas are wanted, and complete once they run', async () => {
    const { id, hosts, deploy } = await anIdleFleet(3);
    await deploy('v1', { replicas: 1 });
    await hosts[0].runAll();
    expect((await rollout(api, id)).state).toBe('complete');
    await api.call('PATCH', `/v1/services/${id}`, { replicas: 2 });
    const grown = await rollout(api, id);
    expect(grown).toMatchObject({ state: 'progressing', message: '1 of 2 replicas run generation 1.' });
    expect(grown.finishedAt).toBeUndefined();
    await hosts[1].runAll();
    expect((await rollout(api, id)).state).toBe('complete');
    // The same wish with another number is no other rollout.
    await deploy('v1', { replicas: 3 });
    expect(await rollout(api, id)).toMatchObject({ state: 'progressing', ready: 2, replicas: 3 });
    await hosts[2].runAll();
    expect(await rollout(api, id)).toMatchObject({ state: 'complete', generation: 1 });
    expect((await rollout(api, id)).finishedAt).toBeDefined();
  });

  it('is under way again while a replica is down, and is never rolled back for it', async () => {
    const { id, hosts, deploy } = await anIdleFleet(1);
    await deploy('v1');
    await hosts[0].runAll();
    await deploy('v2');
    let process = await hosts[0].runOne();
    expect((await rollout(api, id)).state).toBe('complete');
    for (let failures = 1; failures <= 4; failures++) {
      await hosts[0].fails(process);
      expect(await rollout(api, id)).toMatchObject({ state: 'progressing', generation: 2, ready: 0 });
      await elapse(api, id, 200_000);
      process = await hosts[0].runOne();
    }
    expect(await rollout(api, id)).toMatchObject({ state: 'complete', generation: 2 });
  });
});

describe('the same spec once more', () => {
  it('is tried anew after it was given up', async () => {
    const { id, hosts, deploy } = await anIdleFleet(1);
    await deploy('first');
    for (let failures = 1; failures <= 3; failures++) {
      await hosts[0].fails(await hosts[0].take());
      await elapse(api, id, 10_000);
    }
    expect((await rollout(api, id)).state).toBe('failed');
    expect(await deploy('first')).toMatchObject({ generation: 1 });
    expect((await rollout(api, id)).state).toBe('progressing');
    await hosts[0].fails(await hosts[0].take());
    expect((await rollout(api, id)).state).toBe('progressing');
  });

  it('is complete at once where a rollback has left it running', async () => {
    const { id, hosts, deploy } = await anIdleFleet(1);
    await deploy('good');
    await hosts[0].runAll();
    await deploy('bad');
    await hosts[0].take();
    await elapse(api, id, 120_000);
    expect((await rollout(api, id)).state).toBe('rolled-back');
    expect(await deploy('good')).toMatchObject({ generation: 1 });
    expect(await rollout(api, id)).toMatchObject({ state: 'complete', ready: 1 });
  });
});

describe('the number of replicas', () => {
  it('grows on free hosts and shrinks by what serves least', async () => {
    const { id, hosts, deploy } = await anIdleFleet(4);
    await deploy('v1', { replicas: 1 });
    await hosts[0].runAll();
    const grown = await api.call('PATCH', `/v1/services/${id}`, { replicas: 3 });
    expect(grown.body.service).toMatchObject({ replicas: 3, generation: 1 });
    await hosts[1].runAll();
    const pending = await hosts[2].take();
    expect(await hosts[3].claim()).toBeNull();
    await api.call('PATCH', `/v1/services/${id}`, { replicas: 2 });
    expect(shortly(await service(api, id))).toEqual([
      `${hosts[0].id}/0 g1 running`,
      `${hosts[1].id}/0 g1 running`,
    ]);
    expect(await hosts[2].beat([pending])).toEqual({ services: [id], replicas: [] });
    await api.call('PATCH', `/v1/services/${id}`, { replicas: 0 });
    expect(await service(api, id)).toMatchObject({ status: 'stopped', assignments: [] });
    expect((await rollout(api, id)).state).toBe('complete');
    for (const host of hosts) expect(await host.claim()).toBeNull();
  });

  it('is at most maxPerHost on one host, each in a slot of its own', async () => {
    const { id, hosts, deploy } = await anIdleFleet(1);
    await deploy('v1', { replicas: 3, maxPerHost: 2 });
    expect((await hosts[0].runAll()).map(({ slot }) => slot)).toEqual([0, 1]);
    await deploy('v2', { replicas: 3, maxPerHost: 2 });
    expect((await hosts[0].runAll()).map(({ slot }) => slot)).toEqual([0, 1]);
    expect(shortly(await service(api, id))).toEqual([
      `${hosts[0].id}/0 g2 running`,
      `${hosts[0].id}/1 g2 running`,
    ]);
  });
});

describe('an older process', () => {
  it('has nothing to say once its successor is known, and is heard while it serves', async () => {
    const { id, hosts, deploy } = await anIdleFleet(1);
    const host = hosts[0];
    await deploy('v1');
    const old = await host.runOne();
    await deploy('v2');
    const next = await host.take();
    await host.fails(old, 'crashed');
    expect(shortly(await service(api, id))).toEqual([`${host.id}/0 g2 pending`]);
    const stale = await host.report(old, 'running', { endpoint: 'http://127.0.0.1:9' });
    expect(stale.status).toBe(200);
    expect(stale.body.service.assignments).toMatchObject([{ generation: 2, status: 'pending' }]);
    await host.runs(next);
    expect((await service(api, id)).assignments).toMatchObject([{ generation: 2, status: 'running' }]);
  });

  it('is left out of the reports of a daemon that names neither slot nor generation', async () => {
    const { id, hosts, deploy } = await anIdleFleet(1);
    const { id: hostId } = hosts[0];
    const report = (status: string) =>
      api.post(`/v1/services/${id}/report`, { hostId, status, endpoint: 'http://127.0.0.1:3100' });
    await deploy('v1');
    await hosts[0].claim();
    await report('running');
    await deploy('v2');
    await hosts[0].claim();
    await report('running');
    expect(shortly(await service(api, id))).toEqual([`${hostId}/0 g2 running`]);
    expect((await report('failed')).status).toBe(200);
    expect(shortly(await service(api, id))).toEqual([`${hostId}/0 g2 failed`]);
  });

  it('is nothing to hosts that are lost in the middle', async () => {
    const { id, hosts, deploy } = await anIdleFleet(2);
    await deploy('v1');
    for (const host of hosts) await host.runAll();
    await deploy('v2');
    await hosts[0].claim();
    await fallSilent(api, hosts[0]);
    expect(await hosts[1].runAll()).toMatchObject([{ generation: 2 }]);
    await hosts[0].beat();
    await hosts[0].runAll();
    expect((await rollout(api, id)).state).toBe('complete');
  });
});
