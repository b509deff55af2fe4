import { expect } from '@jest/globals';
import { situations, write, needs, PUSH, PULL } from './case.js';

/** What comes before it. */
export const before = situations([
  {
    name: 'a dependency has not begun',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('p');
      await s.add('t', { dependencies: ['p'] });
    },
    reasons: { waiting_for_dependency: { total: 1, dependencies: [{ task_id: 'p', status: 'queued' }] } },
  },
  {
    name: 'of three dependencies one has succeeded and one is held',
    setUp: async (s) => {
      await s.worker('w');
      for (const id of ['a', 'b', 'c']) await s.add(id);
      await s.end(await s.claim());
      await s.claim('w');
      await s.add('t', { dependencies: ['a', 'b', 'c'] });
    },
    reasons: {
      waiting_for_dependency: {
        total: 2,
        dependencies: [
          { task_id: 'b', status: 'claimed', locked_by: 'w' },
          { task_id: 'c', status: 'queued', locked_by: null },
        ],
      },
    },
  },
  {
    name: 'a dependency, a file and a capability are in the way at once',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('p');
      await s.claim();
      await s.add('o', write('src/'));
      await s.claim('w');
      await s.add('t', { dependencies: ['p'], ...write('src/a.ts'), ...needs('gpu'), ...PULL });
    },
    reasons: {
      waiting_for_dependency: { dependencies: [{ task_id: 'p', status: 'claimed' }] },
      waiting_for_file: { files: [{ path: 'src/a.ts', owners: [{ task_id: 'o', path: 'src/' }] }] },
      missing_capability: { required: ['gpu'] },
    },
    never: true,
  },
  {
    name: 'a dependency has failed',
    setUp: async (s) => {
      await s.add('p');
      await s.add('t', { dependencies: ['p'] });
      await s.end(await s.claim(), false);
    },
    reasons: {
      dependency_failed: { root: { task_id: 'p', status: 'failed', error: 'it broke' } },
      not_waiting: { status: 'failed' },
    },
  },
  {
    name: 'a dependency of its dependency was cancelled',
    setUp: async (s) => {
      await s.add('root');
      await s.add('p', { dependencies: ['root'] });
      await s.add('t', { dependencies: ['p'] });
      await s.api.post('/v1/tasks/root/cancel', { reason: 'not today' });
    },
    reasons: {
      dependency_failed: {
        dependency: { task_id: 'p', status: 'failed' },
        root: { task_id: 'root', status: 'failed', error: 'not today' },
      },
      not_waiting: { status: 'failed' },
    },
  },
  {
    name: 'it rests after an attempt',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.add('t', PUSH);
      await s.giveBack(await s.dispatch('g'), { restSeconds: 60 });
    },
    reasons: {
      resting: {
        attempts: 1,
        max_attempts: 5,
        last_error: 'Connection lost.',
        next_attempt_at: expect.any(String),
      },
    },
  },
  {
    name: 'it rests with an open execution',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.worker('w');
      await s.add('t');
      await s.giveBack(await s.dispatch('g'), { restSeconds: 60, keepDispatchKey: true });
    },
    reasons: { resting: { attempts: 1 }, open_execution: { gateway: { gateway_id: 'g', status: 'online' } } },
  },
  {
    name: 'the gateway of its open execution is offline, and a worker is there',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.worker('w');
      await s.openGateway('other');
      await s.add('t');
      await s.giveBack(await s.dispatch('g'), { keepDispatchKey: true });
      await s.offlineGateway('g');
    },
    reasons: {
      open_execution: { gateway: { gateway_id: 'g', status: 'offline' } },
      no_gateway: { gateway_id: 'g', gateways: [{ gateway_id: 'g', status: 'offline' }] },
    },
  },
  {
    name: 'the gateway of its open execution is gone',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.add('t');
      await s.giveBack(await s.dispatch('g'), { keepDispatchKey: true });
      await s.api.query('delete from gateways');
    },
    reasons: {
      open_execution: { gateway: { gateway_id: 'g', status: 'unknown' } },
      no_gateway: { registered: 0 },
    },
    never: true,
  },
  {
    name: 'the gateway of its open execution is there',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.add('t');
      await s.giveBack(await s.dispatch('g'), { keepDispatchKey: true });
    },
    reasons: { open_execution: { gateway: { gateway_id: 'g', status: 'online' } } },
    runnable: true,
  },
  {
    name: 'its time has not come',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('t');
      await s.api.query(`update tasks set gate = 3, next_attempt_at = now() + interval '1 hour'`);
    },
    reasons: { scheduled: { attempts: 0, next_attempt_at: expect.any(String) } },
  },
  {
    name: 'its rest is over, and nobody has noticed',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('t');
      await s.api.query(`update tasks set gate = 3, next_attempt_at = now() - interval '1 second'`);
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'its rest is over, and another task is ready',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('t', { priority: 9 });
      await s.api.query(`update tasks set gate = 3, next_attempt_at = now() - interval '1 second'`);
      await s.add('other');
    },
    reasons: { queued_behind: { next_claims: [{ task_id: 'other' }] } },
  },
  {
    name: 'an older task is ready',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('first');
      await s.add('t');
    },
    reasons: { queued_behind: { ahead: 1, ahead_is_at_least: false, first: ['first'] } },
  },
  {
    name: 'a task of a higher priority is ready',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('t');
      await s.add('urgent', { priority: 1 });
      await s.add('later', { priority: -1 });
    },
    reasons: { queued_behind: { ahead: 1, first: ['urgent'] } },
  },
  {
    name: 'a hundred and twenty tasks are ready',
    setUp: async (s) => {
      await s.worker('w');
      const tasks = Array.from({ length: 120 }, (_, n) => ({ task_id: `n${n}`, action: 'act' }));
      await s.api.post('/v1/tasks/batch', { tasks });
      await s.add('t');
    },
    reasons: {
      queued_behind: { ahead: 100, ahead_is_at_least: true, first: ['n0', 'n1', 'n2', 'n3', 'n4'] },
    },
  },
  {
    name: 'the only worker that can do it would take something else first',
    setUp: async (s) => {
      await s.worker('w', ['gpu']);
      await s.add('easy', { priority: 1 });
      await s.add('t', { ...PULL, ...needs('gpu') });
    },
    reasons: { queued_behind: { ahead: 0, next_claims: [{ claimer: "worker 'w'", task_id: 'easy' }] } },
  },
  {
    name: 'others can do more, and have more to do',
    setUp: async (s) => {
      await s.worker('w', ['gpu']);
      await s.worker('both', ['gpu', 'ssd']);
      await s.add('both-only', { ...PULL, ...needs('gpu', 'ssd'), priority: 1 });
      await s.add('t', { ...PULL, ...needs('gpu') });
    },
    reasons: {},
    runnable: true,
  },
]);
