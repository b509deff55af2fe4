import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HostsRegistry } from '../../src/control-plane/registry/index.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { type Json } from '../support/json.js';
import { aFleet, aHost, aService, elapse, NOTHING_SHOWN, upkeep } from './fixture.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());

describe('a claim', () => {
  it('goes by the age of services, and leaves out what the host is not capable of', async () => {
    const host = await aHost(api, { capabilities: ['order', 'gpu'] });
    const lesser = await aHost(api, { capabilities: ['order'] });
    const older = await aService(api, { requiredCapabilities: ['order', 'gpu'] });
    const younger = await aService(api, { requiredCapabilities: ['order'] });
    expect(await lesser.claim()).toMatchObject({ serviceId: younger.id });
    expect(await lesser.claim()).toBeNull();
    expect(await host.claim()).toMatchObject({ serviceId: older.id, slot: 0, generation: 1 });
    expect(await host.claim()).toBeNull();
  });

  it('comes to what concerns its own replicas before all that is new', async () => {
    const { id, first } = await aFleet(api, 1);
    const old = await aService(api, { requiredCapabilities: [id], replicas: 0 });
    const own = await first.take();
    await first.fails(own);
    await api.call('PATCH', `/v1/services/${old.id}`, { replicas: 1 });
    await elapse(api, id, 1_000);
    expect(await first.claim()).toMatchObject({ serviceId: id });
    expect(await first.claim()).toMatchObject({ serviceId: old.id });
  });

  it('is answered once under a key, until the host has said something of the replica', async () => {
    const { id, first, second } = await aFleet(api, 2, { replicas: 2 });
    const key = { 'x-idempotency-key': 'claim-1' };
    const claimed = await first.claimReply({}, key);
    expect(claimed).toMatchObject({ service: { id }, slot: 0 });
    expect(await first.claimReply({}, key)).toEqual(claimed);
    expect(await first.claimReply({ wait_ms: 0 }, { 'x-idempotency-key': 'claim-2' })).toEqual({
      service: null,
    });
    await first.runs({ serviceId: id, slot: 0, generation: 1 });
    expect(await first.claimReply({}, key)).toEqual({ service: null });
    expect(await second.claim()).toMatchObject({ serviceId: id });
  });

  it('waits for something to start, and hears at once when there is', async () => {
    const host = await aHost(api, { capabilities: ['waits'] });
    const began = performance.now();
    expect(await host.claimReply({ wait_ms: 60 })).toEqual({ service: null });
    expect(performance.now() - began).toBeGreaterThanOrEqual(50);
    const waiting = host.claimReply({ wait_ms: 20_000 }, { 'x-idempotency-key': 'waiting' });
    const deployed = await aService(api, { requiredCapabilities: ['waits'] });
    expect(await waiting).toMatchObject({ service: { id: deployed.id } });
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('writes nothing while there is nothing to have', async () => {
    const { id, hosts, first } = await aFleet(api, 2, { replicas: 5 });
    for (const host of hosts) await host.runAll();
    const rows = () =>
      api.query(
        `select s.xmin, s.xmax, s.version, a.xmin as axmin, a.xmax as axmax from services s
         join service_assignments a using (service_id) where service_id = $1 order by a.host_id`,
        [id],
      );
    const before = await rows();
    for (let index = 0; index < 5; index++) expect(await first.claim()).toBeNull();
    await upkeep(api);
    expect(await rows()).toEqual(before);
  });

  it('gives nothing to a host that is cordoned, drains or is revoked', async () => {
    const { first } = await aFleet(api, 1);
    await first.order({ verb: 'cordon', reason: '' });
    expect(await first.claim()).toBeNull();
    await first.order({ verb: 'uncordon' });
    await first.order({ verb: 'drain', reason: '', deadlineMs: null });
    expect(await first.claim()).toBeNull();
    await first.order({ verb: 'uncordon' });
    await first.order({ verb: 'revoke', reason: '' });
    expect(await first.claim()).toBeNull();
    await first.order({ verb: 'readmit' });
    expect(await first.claim()).not.toBeNull();
  });
});

describe('two services', () => {
  it('run on one host', async () => {
    const { id, first } = await aFleet(api, 1);
    const other = await aService(api, { requiredCapabilities: [id] });
    expect((await first.runAll()).map(({ serviceId }: Json) => serviceId)).toEqual([id, other.id]);
  });
});

describe('hosts with credentials', () => {
  it('claim and report only with their own', async () => {
    const closed = await startTestControlPlane({ env: { SKYCLAW_HOST_AUTH: '1' } });
    try {
      const application = { id: 'h', name: 'h', capabilities: ['service-host'], maxParallel: 1 };
      const { token } = await closed.database.transaction((tx) =>
        closed
          .get(HostsRegistry)
          .register(tx, { ...application, defaultTimeoutMs: null, tellsServices: true }, NOTHING_SHOWN),
      );
      const { id } = await aService(closed);
      const claim = (headers: Record<string, string>) =>
        closed.post('/v1/hosts/h/services/claim', {}, headers);
      const report = (headers: Record<string, string>) =>
        closed.post(`/v1/services/${id}/report`, { hostId: 'h', status: 'running' }, headers);
      expect((await claim({})).status).toBe(401);
      expect((await claim({ 'x-skyclaw-host-token': 'guess' })).status).toBe(401);
      expect((await report({})).status).toBe(401);
      const own = { 'x-skyclaw-host-token': token ?? '' };
      expect((await claim(own)).body.service.id).toBe(id);
      expect((await report(own)).status).toBe(200);
    } finally {
      await closed.close();
    }
  });
});
