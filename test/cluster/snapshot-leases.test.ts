import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { receivers } from './receivers.js';
import { hostRecord, jobRecord } from './records.js';

const here = receivers();

describe('a snapshot of another coordinator', () => {
  it('queues a job that is leased there, lets its host report, and gives it to others only after that lease', async () => {
    const lease = (leaseExpiresAt: string) => ({
      status: 'leased',
      attempts: 1,
      assignedHostId: 'h1',
      leaseExpiresAt,
    });
    const soon = new Date(Date.now() + 30_000).toISOString();
    const jobs = [jobRecord('at-work', lease(soon)), jobRecord('lost', lease('2026-01-01T00:02:00.000Z'))];
    await here.taken(jobs, [hostRecord('h1'), hostRecord('h2')]);
    expect(await here.jobOf('at-work')).toMatchObject({ status: 'queued', attempts: 1 });
    expect(await here.jobOf('at-work')).not.toHaveProperty('leaseExpiresAt');
    expect((await here.api.post('/v1/hosts/h2/claim')).body.job).toMatchObject({ id: 'lost', attempts: 2 });
    expect((await here.api.post('/v1/hosts/h2/claim')).body.job).toBeNull();
    const report = { success: true, durationMs: 5, exitCode: 0, stdout: 'late', stderr: '' };
    const stranger = await here.api.post('/v1/jobs/at-work/complete', { hostId: 'h2', ...report });
    expect(stranger).toMatchObject({ status: 409 });
    const late = await here.api.post('/v1/jobs/at-work/complete', { hostId: 'h1', ...report });
    expect(late.body.job).toMatchObject({
      status: 'completed',
      result: { stdout: 'late' },
      assignedHostId: 'h1',
    });
  });

  it('makes a job claimable once the lease is over that it had there', async () => {
    const leaseExpiresAt = new Date(Date.now() + 1_500).toISOString();
    await here.taken(
      [jobRecord('j1', { status: 'leased', attempts: 1, assignedHostId: 'h9', leaseExpiresAt })],
      [hostRecord('h1')],
    );
    expect((await here.api.post('/v1/hosts/h1/claim', { wait_ms: 20_000 })).body.job).toMatchObject({
      id: 'j1',
    });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(leaseExpiresAt));
  });

  it('fails a job whose time to be started is over by now', async () => {
    await here.taken([jobRecord('j1', { ttlMs: 60_000 })]);
    await eventually('the job has failed', async () =>
      (await here.jobOf('j1')).status === 'failed' ? true : undefined,
    );
  });
});
