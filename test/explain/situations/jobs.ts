import { expect } from '@jest/globals';
import { situations } from './case.js';

const needs = (...requiredCapabilities: string[]) => ({ requiredCapabilities });

/** Jobs, and the hosts that could take them. */
export const jobs = situations([
  {
    name: 'it is a job, and only workers and gateways are there',
    setUp: async (s) => {
      await s.worker('w', ['gpu']);
      await s.openGateway('g', ['gpu']);
      await s.job('t');
    },
    reasons: { no_host: { registered: 0, hosts: [] } },
    never: true,
  },
  {
    name: 'it is no job, and only hosts are there',
    setUp: async (s) => {
      await s.host('h', ['gpu']);
      await s.add('t', { required_capabilities: ['gpu'] });
    },
    reasons: { no_worker: { registered: 0 }, no_gateway: { registered: 0 } },
    never: true,
  },
  {
    name: 'it is a job, and a host is there',
    setUp: async (s) => {
      await s.host('h', ['shell']);
      await s.job('t', needs('shell'));
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'no host can do it',
    setUp: async (s) => {
      await s.host('h', ['shell']);
      await s.host('h2', ['gpu', 'shell']);
      await s.worker('w', ['gpu', 'ssd', 'shell']);
      await s.job('t', needs('gpu', 'ssd'));
    },
    reasons: {
      missing_capability: {
        required: ['gpu', 'ssd'],
        hosts: [
          { host_id: 'h2', status: 'online', missing: ['ssd'] },
          { host_id: 'h', missing: ['gpu', 'ssd'] },
        ],
      },
    },
    never: true,
  },
  {
    name: 'the only host that can do it is silent',
    setUp: async (s) => {
      await s.silentHost('h', ['gpu']);
      await s.host('other');
      await s.job('t', needs('gpu'));
    },
    reasons: { no_host: { registered: 1, hosts: [{ host_id: 'h', status: 'offline' }] } },
    // Were it to claim, it would be heard of again.
    runnable: true,
  },
  {
    name: 'the only host that can do it is cordoned',
    setUp: async (s) => {
      await s.host('h', ['gpu']);
      await s.host('other');
      await s.order('h', 'cordon', 'Disk is full');
      await s.job('t', needs('gpu'));
    },
    reasons: {
      paused: {
        ...{ scope: 'host', name: 'h', reason: 'Disk is full', total: 1 },
        hosts: [{ host_id: 'h', status: 'cordoned', since: expect.any(String), reason: 'Disk is full' }],
      },
    },
  },
  {
    name: 'one host drains with a job, one is drained, one is revoked',
    setUp: async (s) => {
      await s.host('busy');
      await s.job('first');
      await s.hostClaim('busy');
      await s.host('empty');
      await s.host('gone');
      await s.order('busy', 'drain');
      await s.order('empty', 'drain');
      await s.order('gone', 'revoke');
      await s.job('t');
    },
    reasons: {
      paused: {
        ...{ scope: 'host', name: 'gone', total: 3 },
        hosts: expect.arrayContaining([
          expect.objectContaining({ host_id: 'busy', status: 'draining', reason: 'Patching.' }),
          expect.objectContaining({ host_id: 'empty', status: 'drained' }),
          expect.objectContaining({ host_id: 'gone', status: 'revoked' }),
        ]),
      },
    },
  },
  {
    name: 'all hosts that can do it are full',
    setUp: async (s) => {
      await s.host('h', ['gpu'], { maxParallel: 1 });
      await s.job('first', needs('gpu'));
      await s.hostClaim('h');
      await s.host('other');
      await s.job('t', needs('gpu'));
    },
    reasons: { no_capacity: { hosts: [{ host_id: 'h', active_leases: 1, max_parallel: 1 }] } },
  },
  {
    name: 'of the hosts one is full, one cordoned and one silent',
    setUp: async (s) => {
      await s.host('full', [], { maxParallel: 1 });
      await s.job('first');
      await s.hostClaim('full');
      await s.host('cordoned');
      await s.order('cordoned', 'cordon');
      await s.silentHost('silent');
      await s.job('t');
    },
    reasons: { no_capacity: { hosts: [{ host_id: 'full' }] }, paused: { name: 'cordoned' } },
    runnable: true,
  },
  {
    name: 'a lease of a full host has run out',
    setUp: async (s) => {
      await s.host('h', [], { maxParallel: 1 });
      await s.job('first');
      await s.hostClaim('h');
      await s.api.query(`update tasks set lease_expires_at = now() - interval '1 second' where id = 'first'`);
      await s.job('t');
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'other jobs come first',
    setUp: async (s) => {
      await s.host('h');
      await s.add('action', { priority: 9 });
      await s.job('first');
      await s.job('urgent', { priority: 1 });
      await s.job('t');
    },
    reasons: {
      queued_behind: {
        ...{ ahead: 2, first: ['urgent', 'first'] },
        next_claims: [{ claimer: "host 'h'", task_id: 'urgent' }],
      },
    },
  },
  {
    name: 'the only host that can do it would take something else first',
    setUp: async (s) => {
      await s.host('h', ['gpu']);
      await s.job('easy', { priority: 1 });
      await s.job('t', needs('gpu'));
    },
    reasons: { queued_behind: { ahead: 0, next_claims: [{ claimer: "host 'h'", task_id: 'easy' }] } },
  },
  {
    name: 'it is a job that waits for an action',
    setUp: async (s) => {
      await s.host('h');
      await s.worker('w');
      await s.add('p');
      await s.job('t', { dependencies: ['p'] });
    },
    reasons: { waiting_for_dependency: { dependencies: [{ task_id: 'p', status: 'queued' }] } },
  },
  {
    name: 'it is an action that waits for a job',
    setUp: async (s) => {
      await s.host('h');
      await s.worker('w');
      await s.job('p');
      await s.hostClaim('h');
      await s.add('t', { dependencies: ['p'] });
    },
    reasons: {
      waiting_for_dependency: { dependencies: [{ task_id: 'p', status: 'running', locked_by: 'h' }] },
    },
  },
  {
    name: 'the queue is paused, and it is a job that nobody can do',
    setUp: async (s) => {
      await s.host('h');
      await s.pause('queue');
      await s.job('t', { ...needs('gpu') });
    },
    reasons: { paused: { scope: 'queue' }, missing_capability: { required: ['gpu'] } },
    never: true,
  },
  {
    name: 'a host is at it',
    setUp: async (s) => {
      await s.host('h');
      await s.job('t');
      await s.hostClaim('h');
    },
    reasons: { not_waiting: { status: 'running', holder: 'host', locked_by: 'h', attempts: 1 } },
  },
  {
    name: 'its host was lost, and it waits for another',
    setUp: async (s) => {
      await s.host('h');
      await s.job('t');
      await s.hostClaim('h');
      await s.order('h', 'revoke', 'stolen');
    },
    reasons: { paused: { hosts: [{ host_id: 'h', status: 'revoked', reason: 'stolen' }] } },
  },
  {
    name: 'it is a job that failed',
    setUp: async (s) => {
      await s.host('h');
      await s.job('t');
      const { hostId, leaseToken } = await s.hostClaim('h');
      const report = { hostId, leaseToken, success: false, error: 'it broke' };
      await s.api.post('/v1/jobs/t/complete', report);
    },
    reasons: { not_waiting: { status: 'failed', error: 'it broke' } },
  },
]);
