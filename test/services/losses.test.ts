import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HostUpkeep } from '../../src/control-plane/services/index.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import {
  aFleet,
  aHost,
  aService,
  elapse,
  fallSilent,
  type Process,
  service,
  shortly,
  upkeep,
} from './fixture.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());

describe('a host that is lost', () => {
  it('loses its replicas to others, and is told to end them when it comes back', async () => {
    const { id, first, second } = await aFleet(api, 2);
    const process = await first.runOne();
    expect(await second.claim()).toBeNull();
    await fallSilent(api, first);
    expect(await service(api, id)).toMatchObject({ status: 'pending', assignments: [] });
    await second.runAll();
    expect(shortly(await service(api, id))).toEqual([`${second.id}/0 g1 running`]);
    expect(await first.beat([process])).toEqual({ services: [id], replicas: [] });
    expect(await first.beat()).toEqual({ services: [id], replicas: [] });
    expect((await first.report(process, 'running')).status).toBe(409);
    expect(await first.beat([])).toEqual({ services: [], replicas: [] });
    expect(await first.beat()).toEqual({ services: [], replicas: [] });
  });

  it('keeps a replica that nobody has taken over when it comes back with it', async () => {
    const { id, first } = await aFleet(api, 1);
    const process = await first.runOne();
    await fallSilent(api, first);
    expect(shortly(await service(api, id))).toEqual([]);
    expect(await first.beat([process])).toEqual({ services: [], replicas: [] });
    expect(await service(api, id)).toMatchObject({
      status: 'running',
      assignments: [{ endpoint: 'http://127.0.0.1:3100' }],
    });
  });

  it('is found by the loop within its timeout, without anybody calling', async () => {
    const quick = await startTestControlPlane({ env: { SKYCLAW_HOST_TIMEOUT_MS: '1000' } });
    try {
      const host = await aHost(quick);
      const { id } = await aService(quick);
      await host.runAll();
      await eventually('its replica is free', async () =>
        (await service(quick, id)).assignments.length === 0 ? true : undefined,
      );
      // The claim itself is the sign of life.
      expect(await host.claim()).not.toBeNull();
    } finally {
      await quick.close();
    }
  });

  it('is one that is revoked, or no longer registered', async () => {
    const { id, hosts } = await aFleet(api, 2, { replicas: 2 });
    for (const host of hosts) await host.runAll();
    await hosts[0].order({ verb: 'revoke', reason: 'stolen' });
    await upkeep(api);
    expect(shortly(await service(api, id))).toEqual([`${hosts[1].id}/0 g1 running`]);
    await api.query('delete from workers where worker_id = $1', [hosts[1].id]);
    await upkeep(api);
    expect(await service(api, id)).toMatchObject({ status: 'pending', assignments: [] });
    await upkeep(api);
    expect(await hosts[1].holds()).toBe(0);
  });
});

describe('what a host says that it runs', () => {
  it('ends what nobody wants there, and finds what is missing', async () => {
    const { id, first } = await aFleet(api, 1);
    const process = await first.runOne();
    const stranger = { serviceId: 'never-heard-of', slot: 0, generation: 1 };
    const other = { serviceId: id, slot: 3, generation: 1 };
    expect(await first.beat([process, stranger, other])).toEqual({
      services: ['never-heard-of'],
      replicas: [other],
    });
    expect((await service(api, id)).status).toBe('running');
    await first.beat([]);
    // The report and this may have crossed.
    expect((await service(api, id)).status).toBe('running');
    await elapse(api, id, 10_000);
    await first.beat([]);
    expect(await service(api, id)).toMatchObject({
      assignments: [{ status: 'failed', error: 'the host no longer runs it' }],
    });
    await elapse(api, id, 1_000);
    expect(await first.claim()).not.toBeNull();
  });

  it('finds a claim whose answer was lost', async () => {
    const { id, first } = await aFleet(api, 1);
    await first.claim();
    await elapse(api, id, 10_000);
    await first.beat([]);
    await elapse(api, id, 1_000);
    expect(await first.claim()).toMatchObject({ serviceId: id });
  });
});

describe('a daemon that has begun anew', () => {
  it('has lost at once what it does not name, and keeps what it names', async () => {
    const { id, first } = await aFleet(api, 1, { replicas: 2, maxPerHost: 2 });
    const [kept, lost] = await first.runAll();
    const begins = (active: Process[]) => api.get(HostUpkeep).restarted(api.database, first.id, active);
    await begins(kept === undefined ? [] : [kept]);
    expect(shortly(await service(api, id))).toEqual([
      `${first.id}/${kept?.slot} g1 running`,
      `${first.id}/${lost?.slot} g1 failed`,
    ]);
  });
});

describe('a process that was told to end', () => {
  it('is taken for ended after ten host timeouts when its host does not say', async () => {
    const { id, first } = await aFleet(api, 1);
    await first.runOne();
    await api.post(`/v1/services/${id}/stop`);
    await elapse(api, id, 290_000);
    expect(await first.beat()).toEqual({ services: [id], replicas: [] });
    expect(await api.get(HostUpkeep).holdersAmong([first.id, 'nobody'])).toEqual([first.id]);
    await elapse(api, id, 11_000);
    expect(await first.beat()).toEqual({ services: [], replicas: [] });
    expect(await api.get(HostUpkeep).holdersAmong([first.id, 'nobody'])).toEqual([]);
  });

  it('is expected back for an hour when its host is lost', async () => {
    const { id, first } = await aFleet(api, 1);
    await first.runOne();
    await fallSilent(api, first);
    await elapse(api, id, 3_500_000);
    expect(await first.beat()).toEqual({ services: [id], replicas: [] });
    await elapse(api, id, 101_000);
    expect(await first.beat()).toEqual({ services: [], replicas: [] });
  });
});
