import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { aFleet, elapse, service } from './fixture.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());

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
    const { id, first, second } = await aFleet(api, 2);
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
    const { id, first } = await aFleet(api, 1);
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
    const { id, first } = await aFleet(api, 1);
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
    const { id, first } = await aFleet(api, 1);
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
    const { id, first } = await aFleet(api, 1);
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
    const { id, first, second } = await aFleet(api, 2);
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
    const { id, first } = await aFleet(api, 1);
    const process = await first.take();
    await elapse(api, id, 120_000);
    expect(await first.beat([process])).toEqual({ services: [id], replicas: [] });
    expect(await first.beat([])).toEqual({ services: [], replicas: [] });
    expect(await first.claim()).toMatchObject({ serviceId: id });
  });
});
