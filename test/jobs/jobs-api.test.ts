import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());

const shell = (command = 'true', more: object = {}) => ({ kind: 'shell', command, ...more });

async function submit(body: object): Promise<Record<string, never>> {
  const { status, body: answer } = await api.post('/v1/jobs', body);
  expect(answer).toMatchObject({ job: { status: 'queued' } });
  expect(status).toBe(200);
  return answer.job as Record<string, never>;
}

async function register(hostId: string, more: object = {}) {
  const { status, body } = await api.post('/v1/hosts/register', { hostId, name: hostId, ...more });
  expect({ status, body }).toMatchObject({ status: 200 });
  return body.host as Record<string, never>;
}

const claim = async (hostId: string) => (await api.post(`/v1/hosts/${hostId}/claim`)).body.job;

describe('a job', () => {
  it('goes from submission to its result, in the words of the original', async () => {
    await register('h1', { capabilities: [' b ', 'a', 'b', 'cap1'], maxParallel: 2 });
    const job = await submit({
      payload: shell('echo', { args: ['hi'], env: { SECRET: 's' } }),
      requirement: { requiredCapabilities: ['cap1'] },
      submittedBy: 'me',
    });
    expect(job).toEqual({
      id: expect.stringMatching(/^job_[0-9a-f-]{36}$/),
      payload: shell('echo', { args: ['hi'], env: { SECRET: 's' } }),
      requirement: { requiredCapabilities: ['cap1'] },
      status: 'queued',
      priority: 0,
      dependencies: [],
      submittedBy: 'me',
      attempts: 0,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: job['createdAt'],
      updatedBy: expect.stringMatching(/^node_/),
      version: 1,
    });
    const claimed = await claim('h1');
    expect(claimed).toMatchObject({
      id: job['id'],
      status: 'leased',
      assignedHostId: 'h1',
      attempts: 1,
      leaseToken: expect.stringMatching(/^[0-9a-f]{32}$/),
      payload: { env: { SECRET: 's' } },
      leaseExpiresAt: expect.stringMatching(/Z$/),
    });
    const { body: shown } = await api.fetch(`/v1/jobs/${job['id']}`);
    expect(shown.job).toMatchObject({ status: 'leased', payload: { env: { SECRET: '***' } } });
    expect(shown.job).not.toHaveProperty('leaseToken');
    const { body: tasks } = await api.fetch(`/v1/tasks/${job['id']}`);
    expect(tasks).toMatchObject({ kind: 'shell', action: 'job:shell', params: { env: { SECRET: '***' } } });

    const report = { hostId: 'h1', success: true, durationMs: 12, exitCode: 0, stdout: 'hi\n', stderr: '' };
    const done = await api.post(`/v1/jobs/${job['id']}/complete`, {
      ...report,
      leaseToken: claimed.leaseToken,
    });
    expect(done.body.job).toMatchObject({
      status: 'completed',
      assignedHostId: 'h1',
      result: { durationMs: 12, exitCode: 0, stdout: 'hi\n', stderr: '', finishedAt: expect.any(String) },
    });
    expect(done.body.job).not.toHaveProperty('leaseExpiresAt');
    expect(done.body.job).not.toHaveProperty('error');
    const again = await api.post(`/v1/jobs/${job['id']}/complete`, report);
    expect(again).toMatchObject({ status: 200, body: { job: done.body.job } });
    const other = await api.post(`/v1/jobs/${job['id']}/complete`, { ...report, stdout: 'ho' });
    expect(other).toMatchObject({ status: 409, body: { error: `job ${job['id']} is not leased` } });
  });

  it('is not claimed beyond what the host may hold, nor by one that lacks a capability', async () => {
    await register('h2', { maxParallel: 2, capabilities: ['x'] });
    await register('h3', { maxParallel: 2 });
    for (let n = 0; n < 3; n++)
      await submit({ payload: shell(), requirement: { requiredCapabilities: ['x'] } });
    expect(await claim('h3')).toBeNull();
    const claims = await Promise.all(Array.from({ length: 6 }, () => claim('h2')));
    expect(claims.filter((job) => job !== null)).toHaveLength(2);
    const { body } = await api.fetch('/v1/hosts/h2');
    expect(body.host).toMatchObject({ activeLeases: 2, maxParallel: 2, status: 'online' });
  });
});
