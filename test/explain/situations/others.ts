import { expect } from '@jest/globals';
import { situations } from './case.js';

/** It is not waiting at all, or waits again. */
export const others = situations([
  {
    name: 'a worker has claimed it',
    setUp: async (s) => {
      await s.add('t');
      await s.claim('w');
    },
    reasons: {
      not_waiting: {
        status: 'claimed',
        holder: 'worker',
        locked_by: 'w',
        lease_expires_at: expect.any(String),
        renewed_at: null,
        attempts: 1,
      },
    },
  },
  {
    name: 'a worker is at it and has renewed its lease',
    setUp: async (s) => {
      await s.add('t');
      const { proof } = await s.claim('w');
      await s.api.post('/v1/tasks/t/start', proof);
      await s.api.post('/v1/tasks/t/renew', proof);
    },
    reasons: { not_waiting: { status: 'running', locked_by: 'w', renewed_at: expect.any(String) } },
  },
  {
    name: 'a gateway is at it',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.add('t');
      await s.dispatch('g');
    },
    reasons: {
      not_waiting: {
        status: 'running',
        holder: 'dispatcher',
        gateway: { gateway_id: 'g', status: 'online' },
      },
    },
  },
  {
    name: 'its lease has run out',
    setUp: async (s) => {
      await s.add('t');
      await s.claim('w');
      await s.api.query(`update tasks set lease_expires_at = now() - interval '1 second'`);
    },
    reasons: { not_waiting: { status: 'claimed', lease_is_over: true } },
  },
  {
    name: 'it has succeeded',
    setUp: async (s) => {
      await s.add('t');
      await s.end(await s.claim());
    },
    reasons: { not_waiting: { status: 'succeeded', completed_at: expect.any(String) } },
  },
  {
    name: 'it has failed',
    setUp: async (s) => {
      await s.add('t');
      await s.end(await s.claim(), false);
    },
    reasons: { not_waiting: { status: 'failed', error: 'it broke', attempts: 1 } },
  },
  {
    name: 'its lease ran out for the last time',
    setUp: async (s) => {
      await s.add('t');
      const { proof } = await s.claim();
      const claim = { taskId: 't', workerId: proof.worker_id, claimToken: proof.claim_token };
      await s.ledger.endings.timeOut(s.ledger.database, claim, 'silence');
    },
    reasons: { not_waiting: { status: 'failed_timeout', error: 'failed_timeout: silence' } },
  },
  {
    name: 'it was cancelled',
    setUp: async (s) => {
      await s.add('t');
      await s.api.post('/v1/tasks/t/cancel', { reason: 'enough' });
    },
    reasons: { not_waiting: { status: 'failed', error: 'enough' } },
  },
  {
    name: 'it was given back',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('t');
      const { proof } = await s.claim();
      await s.api.post('/v1/tasks/t/release', { ...proof, reason: 'lunch' });
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'it is tried again, and so is its dependency',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('p');
      await s.add('t', { dependencies: ['p'] });
      await s.end(await s.claim(), false);
      await s.api.post('/v1/tasks/p/retry');
    },
    reasons: { waiting_for_dependency: { dependencies: [{ task_id: 'p', status: 'queued' }] } },
  },
]);
