import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { aFleet, service, shortly, upkeep } from './fixture.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());

describe('a drain', () => {
  it('moves a running replica before its host ends the old one', async () => {
    const { id, first, second } = await aFleet(api, 2);
    const old = await first.runOne();
    await first.order({ verb: 'drain', reason: 'patch', deadlineMs: null });
    await upkeep(api);
    expect(await first.beat([old])).toEqual({ services: [], replicas: [] });
    expect(await first.claim()).toBeNull();
    const next = await second.take();
    expect(await first.beat([old])).toEqual({ services: [], replicas: [] });
    expect((await service(api, id)).assignments).toHaveLength(2);
    await second.runs(next);
    expect(shortly(await service(api, id))).toEqual([`${second.id}/0 g1 running`]);
    expect(await first.holds()).toBe(1);
    expect(await first.beat([old])).toEqual({ services: [id], replicas: [] });
    expect(await first.beat([])).toEqual({ services: [], replicas: [] });
    expect(await first.holds()).toBe(0);
  });

  it('frees at once what does not run', async () => {
    const { id, first, second } = await aFleet(api, 2);
    await first.claim();
    await first.order({ verb: 'drain', reason: '', deadlineMs: null });
    await upkeep(api);
    expect(await first.beat()).toEqual({ services: [id], replicas: [] });
    expect(await second.runAll()).toHaveLength(1);
  });

  it('waits while nobody else could take the replica, until its deadline', async () => {
    const { id, first } = await aFleet(api, 1);
    const process = await first.runOne();
    await first.order({ verb: 'drain', reason: '', deadlineMs: 3_600_000 });
    await upkeep(api);
    expect(await first.beat([process])).toEqual({ services: [], replicas: [] });
    expect((await service(api, id)).status).toBe('running');
    await first.order({ verb: 'drain', reason: '', deadlineMs: -1 });
    await upkeep(api);
    expect(await first.beat([process])).toEqual({ services: [id], replicas: [] });
    expect((await service(api, id)).status).toBe('pending');
  });

  it('moves replicas one at a time', async () => {
    const { id, hosts } = await aFleet(api, 4, { replicas: 2 });
    const [one, two, three, four] = [hosts[0], hosts[1], hosts[2], hosts[3]];
    await one.runAll();
    await two.runAll();
    for (const host of [one, two]) await host.order({ verb: 'drain', reason: '', deadlineMs: null });
    await upkeep(api);
    const next = await three.take();
    expect(await four.claim()).toBeNull();
    await three.runs(next);
    expect(await four.runAll()).toHaveLength(1);
    expect(shortly(await service(api, id))).toEqual(
      [`${three.id}/0 g1 running`, `${four.id}/0 g1 running`].sort(),
    );
  });
});
