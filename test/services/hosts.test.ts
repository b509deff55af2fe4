import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HostsRegistry } from '../../src/control-plane/registry/index.js';
import { HostUpkeep } from '../../src/control-plane/services/index.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import {
  aHost,
  aService,
  elapse,
  fallSilent,
  type Hosts,
  type Process,
  type ScriptedHost,
  service,
  shortly,
  upkeep,
} from './fixture.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());

let fleets = 0;

/** Hosts, and a service that only they can run, of one replica unless said otherwise. */
async function aFleet(size: number, more: object = {}) {
  const id = `group-${++fleets}`;
  const hosts: ScriptedHost[] = [];
  for (let index = 0; index < size; index++) {
    hosts.push(await aHost(api, { id: `${id}-${index}`, capabilities: [id, 'more'] }));
  }
  await aService(api, { serviceId: id, name: id, requiredCapabilities: [id], ...more });
  const all = hosts as readonly ScriptedHost[] as Hosts;
  return { id, hosts: all, first: all[0], second: all[1] };
}

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
    const { id, first } = await aFleet(1);
    const old = await aService(api, { requiredCapabilities: [id], replicas: 0 });
    const own = await first.take();
    await first.fails(own);
    await api.call('PATCH', `/v1/services/${old.id}`, { replicas: 1 });
    await elapse(api, id, 1_000);
    expect(await first.claim()).toMatchObject({ serviceId: id });
    expect(await first.claim()).toMatchObject({ serviceId: old.id });
  });

  it('is answered once under a key, until the host has said something of the replica', async () => {
    const { id, first, second } = await aFleet(2, { replicas: 2 });
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
    const { id, hosts, first } = await aFleet(2, { replicas: 5 });
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
    const { first } = await aFleet(1);
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

describe('a report', () => {
  it.each([
    'ftp://host/',
    'nonsense',
    'http://user:secret@host/',
    'http://169.254.169.254/',
    'http://[fe80::1]:80/',
    'http://[::ffff:169.254.1.1]/',
    'http://metadata.google.internal/',
    'http://0.0.0.0:1/',
    'javascript:alert(1)',
  ])('may not name the endpoint %s', async (endpoint) => {
    const body = { hostId: 'h', status: 'running', endpoint };
    const reply = await api.post('/v1/services/any/report', body);
    expect(reply).toMatchObject({ status: 400, body: { error: 'invalid endpoint' } });
  });

  it.each([
    ['hostId is required', { status: 'running' }],
    ['status is required', { hostId: 'h' }],
    [
      'status: Input must be one of the following values: pending, running, failed',
      { hostId: 'h', status: 'x' },
    ],
  ])('needs its fields: %s', async (error, body) => {
    expect(await api.post('/v1/services/any/report', body)).toMatchObject({ status: 400, body: { error } });
  });

  it('is refused of a replica that is not the host’s', async () => {
    const { id, first, second } = await aFleet(2);
    const process = await first.take();
    const reply = await second.report(process, 'running');
    const error = `service ${id} is not assigned to host ${second.id}`;
    expect(reply).toMatchObject({ status: 409, body: { error } });
    const stranger = await api.post(`/v1/services/${id}/report`, { hostId: 'nobody', status: 'running' });
    expect(stranger).toMatchObject({
      status: 409,
      body: { error: `service ${id} is not assigned to host nobody` },
    });
  });

  it('changes nothing when it says nothing new', async () => {
    const { id, first } = await aFleet(1);
    const process = await first.take();
    await first.runs(process);
    const before = await service(api, id);
    await first.runs(process);
    await first.report(process, 'running');
    expect(await service(api, id)).toEqual(before);
    await first.fails(process);
    const failed = await service(api, id);
    expect(failed.version).toBeGreaterThan(before.version);
    await first.fails(process, 'again');
    expect(await service(api, id)).toEqual(failed);
  });

  it('of a process that is down takes it out of routing, without a failure', async () => {
    const { id, first } = await aFleet(1);
    const process = await first.take();
    await first.runs(process);
    await first.report(process, 'pending');
    const { status, assignments } = await service(api, id);
    expect(status).toBe('pending');
    expect(assignments).toMatchObject([{ status: 'pending', restarts: 0 }]);
    expect(assignments[0]).not.toHaveProperty('endpoint');
    await first.runs(process);
    expect((await service(api, id)).status).toBe('running');
  });
});

describe('a replica that fails', () => {
  it('is started again after 1 s, doubling to 60 s, and counted', async () => {
    const { id, first } = await aFleet(1);
    let process = await first.take();
    for (const [restarts, restMs] of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000].entries()) {
      await first.fails(process, `failure ${restarts}`);
      expect((await service(api, id)).status).toBe('failed');
      await elapse(api, id, restMs - 500);
      expect(await first.claim()).toBeNull();
      await elapse(api, id, 500);
      process = await first.take();
      expect(process.service.assignments).toMatchObject([
        { status: 'pending', restarts: restarts + 1, error: `failure ${restarts}` },
      ]);
    }
  });

  it('rests briefly again once it has run for a minute', async () => {
    const { id, first } = await aFleet(1);
    const process = await first.take();
    for (let failures = 0; failures < 3; failures++) {
      await first.fails(process);
      await elapse(api, id, 10_000);
      await first.claim();
    }
    await first.runs(process);
    await elapse(api, id, 59_000);
    await first.fails(process);
    await elapse(api, id, 7_900);
    expect(await first.claim()).toBeNull();
    await elapse(api, id, 100);
    await first.claim();
    await first.runs(process);
    await elapse(api, id, 60_000);
    await first.fails(process);
    await elapse(api, id, 1_000);
    expect(await first.claim()).not.toBeNull();
  });

  it('is free to be taken over by another host, which goes first after two failures in a row', async () => {
    const { id, first, second } = await aFleet(2);
    const process = await first.take();
    await first.fails(process);
    expect(await second.claim()).toBeNull();
    await elapse(api, id, 1_000);
    await first.claim();
    await first.fails(process);
    await elapse(api, id, 2_000);
    expect(await first.claim()).toBeNull();
    const moved = await second.take();
    expect(moved).toMatchObject({
      serviceId: id,
      service: { assignments: [{ hostId: second.id, restarts: 2 }] },
    });
    await second.fails(moved);
    await elapse(api, id, 4_000);
    expect(await second.claim()).toBeNull();
    // Nobody else takes it: it is tried where it was.
    await elapse(api, id, 4_000);
    expect(await second.claim()).not.toBeNull();
  });

  it('counts as failed when it does not come up in time, and ends where it was', async () => {
    const { id, first } = await aFleet(1);
    const process = await first.take();
    await elapse(api, id, 120_000);
    expect(await first.beat([process])).toEqual({ services: [id], replicas: [] });
    expect(await first.beat([])).toEqual({ services: [], replicas: [] });
    expect(await first.claim()).toMatchObject({ serviceId: id });
  });
});

describe('a host that is lost', () => {
  it('loses its replicas to others, and is told to end them when it comes back', async () => {
    const { id, first, second } = await aFleet(2);
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
    const { id, first } = await aFleet(1);
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
    const quick = await startTestControlPlane({ env: { SKYCLAW_HOST_TIMEOUT_MS: '200' } });
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
    const { id, hosts } = await aFleet(2, { replicas: 2 });
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
    const { id, first } = await aFleet(1);
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
    const { id, first } = await aFleet(1);
    await first.claim();
    await elapse(api, id, 10_000);
    await first.beat([]);
    await elapse(api, id, 1_000);
    expect(await first.claim()).toMatchObject({ serviceId: id });
  });
});

describe('a daemon that has begun anew', () => {
  it('has lost at once what it does not name, and keeps what it names', async () => {
    const { id, first } = await aFleet(1, { replicas: 2, maxPerHost: 2 });
    const [kept, lost] = await first.runAll();
    const begins = (active: Process[] | null) =>
      api.get(HostUpkeep).restarted(api.database, first.id, active);
    await begins(null);
    expect((await service(api, id)).assignments).toMatchObject([
      { status: 'running' },
      { status: 'running' },
    ]);
    await begins(kept === undefined ? [] : [kept]);
    expect(shortly(await service(api, id))).toEqual([
      `${first.id}/${kept?.slot} g1 running`,
      `${first.id}/${lost?.slot} g1 failed`,
    ]);
  });
});

describe('a process that was told to end', () => {
  it('is taken for ended after ten host timeouts when its host does not say', async () => {
    const { id, first } = await aFleet(1);
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
    const { id, first } = await aFleet(1);
    await first.runOne();
    await fallSilent(api, first);
    await elapse(api, id, 3_500_000);
    expect(await first.beat()).toEqual({ services: [id], replicas: [] });
    await elapse(api, id, 101_000);
    expect(await first.beat()).toEqual({ services: [], replicas: [] });
  });
});

describe('a drain', () => {
  it('moves a running replica before its host ends the old one', async () => {
    const { id, first, second } = await aFleet(2);
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
    const { id, first, second } = await aFleet(2);
    await first.claim();
    await first.order({ verb: 'drain', reason: '', deadlineMs: null });
    await upkeep(api);
    expect(await first.beat()).toEqual({ services: [id], replicas: [] });
    expect(await second.runAll()).toHaveLength(1);
  });

  it('waits while nobody else could take the replica, until its deadline', async () => {
    const { id, first } = await aFleet(1);
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
    const { id, hosts } = await aFleet(4, { replicas: 2 });
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

describe('hosts with credentials', () => {
  it('claim and report only with their own', async () => {
    const closed = await startTestControlPlane({ env: { SKYCLAW_HOST_AUTH: '1' } });
    try {
      const application = { id: 'h', name: 'h', capabilities: ['service-host'], maxParallel: 1 };
      const { token } = await closed.database.transaction((tx) =>
        closed.get(HostsRegistry).register(tx, { ...application, defaultTimeoutMs: null }, ''),
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

describe('two services', () => {
  it('run on one host', async () => {
    const { id, first } = await aFleet(1);
    const other = await aService(api, { requiredCapabilities: [id] });
    expect((await first.runAll()).map(({ serviceId }: Json) => serviceId)).toEqual([id, other.id]);
  });
});
