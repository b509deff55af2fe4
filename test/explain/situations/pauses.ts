import { situations, needs, PUSH, PULL, strict, write } from './case.js';

const QUEUE = { scope: 'queue', name: '', reason: 'Later.' };
const project = (name: string) => ({ scope: 'project', name, reason: 'Later.' });
const gateway = (name: string, more: object = {}) => ({ scope: 'gateway', name, reason: 'Later.', ...more });

/** What an operator has paused. */
export const pauses = situations([
  {
    name: 'the queue is paused',
    setUp: async (s) => {
      await s.worker('w');
      await s.openGateway('g');
      await s.add('t');
      await s.pause('queue');
    },
    reasons: { paused: QUEUE },
  },
  {
    name: 'its project is paused',
    setUp: async (s) => {
      await s.worker('w');
      await s.openGateway('g');
      await s.pause('projects/p');
      await s.add('t', { project_id: 'p' });
    },
    reasons: { paused: project('p') },
  },
  {
    name: 'the queue and its project are paused, and so is another project',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('t', { project_id: 'p' });
      for (const what of ['projects/other', 'projects/p', 'queue']) await s.pause(what);
    },
    reasons: { paused: [QUEUE, project('p')] },
  },
  {
    name: 'its project is paused, and nobody is registered who could take it',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('t', { ...PULL, ...needs('gpu') });
      await s.pause('projects/default');
    },
    reasons: { paused: project('default'), missing_capability: { required: ['gpu'] } },
    never: true,
  },
  {
    name: 'its project is paused, it comes behind another task of it, and another project has work',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('first', { project_id: 'p' });
      await s.add('t', { project_id: 'p' });
      await s.add('elsewhere', { project_id: 'q' });
      await s.pause('projects/p');
    },
    reasons: {
      paused: project('p'),
      queued_behind: { ahead: 1, first: ['first'], next_claims: [] },
    },
  },
  {
    name: 'projects before and behind its own are paused',
    setUp: async (s) => {
      await s.worker('w');
      for (const id of ['a', 'b', 't', 'y', 'z']) await s.add(id, { project_id: id });
      for (const id of ['a', 'b', 'y', 'z']) await s.pause(`projects/${id}`);
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'a project was paused and is resumed',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('t');
      for (const what of ['queue', 'projects/default']) {
        await s.pause(what);
        await s.pause(what, 'resume');
      }
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'its project is paused, and its file is owned by a task that goes on',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', write('src/'));
      await s.claim();
      await s.add('t', write('src/a'));
      await s.pause('projects/default');
    },
    reasons: { paused: project('default'), waiting_for_file: { files: [{ owners: [{ task_id: 'o' }] }] } },
  },
  {
    name: 'its file was freed while its project is paused',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', write('src/'));
      const owner = await s.claim();
      await s.add('t', write('src/a'));
      // Parks it.
      await s.claim().catch(() => undefined);
      await s.pause('projects/default');
      await s.end(owner);
    },
    reasons: { paused: project('default') },
  },
  {
    name: 'the queue is paused, its rest is over, and nobody has noticed',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('t');
      await s.api.query(`update tasks set gate = 3, next_attempt_at = now() - interval '1 second'`);
      await s.pause('queue');
    },
    reasons: { paused: QUEUE },
  },
  {
    name: 'its project is paused, its rest is over, and nobody has noticed',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('t');
      await s.api.query(`update tasks set gate = 3, next_attempt_at = now() - interval '1 second'`);
      await s.pause('projects/default');
    },
    reasons: { paused: project('default') },
  },
  {
    name: 'its project is paused, and its dependency has not begun',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('p');
      await s.add('t', { dependencies: ['p'] });
      await s.pause('projects/default');
    },
    reasons: { paused: project('default'), waiting_for_dependency: { total: 1 } },
  },
  {
    name: 'its project is paused, and a worker is at it',
    setUp: async (s) => {
      await s.add('t');
      await s.claim('w');
      await s.pause('projects/default');
    },
    reasons: { not_waiting: { status: 'claimed', locked_by: 'w' } },
  },
  {
    name: 'the only gateway is paused',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.add('t', PUSH);
      await s.pause('gateways/g');
    },
    reasons: { paused: gateway('g', { total: 1, gateways: [{ gateway_id: 'g', reason: 'Later.' }] }) },
  },
  {
    name: 'its gateway is paused, and another is there',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.openGateway('other');
      await s.add('t', strict('g', PUSH));
      await s.pause('gateways/g');
    },
    reasons: { paused: gateway('g') },
  },
  {
    name: 'the gateway that it prefers is paused, and another is there',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.openGateway('other');
      await s.add('t', { ...PUSH, gateway_id: 'g' });
      await s.pause('gateways/g');
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'all gateways are paused, and a worker is there',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.worker('w');
      await s.add('t');
      await s.pause('gateways/g');
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'the gateways that can do it are paused, one is full, and one cannot',
    setUp: async (s) => {
      await s.openGateway('able', ['gpu']);
      await s.openGateway('other', ['gpu']);
      await s.openGateway('full', ['gpu']);
      await s.openGateway('g');
      for (let n = 0; n < 8; n++) {
        await s.add(`busy-${n}`, PUSH);
        await s.dispatch('full');
      }
      await s.add('t', { ...PUSH, ...needs('gpu') });
      for (const id of ['able', 'other']) await s.pause(`gateways/${id}`);
    },
    reasons: {
      paused: gateway('other', { total: 2, gateways: [{ gateway_id: 'able' }, { gateway_id: 'other' }] }),
      no_capacity: { gateways: [{ gateway_id: 'full' }] },
    },
  },
  {
    name: 'its gateway is paused and offline, and so are the queue and its project',
    setUp: async (s) => {
      await s.offlineGateway('g');
      await s.add('t', strict('g', PUSH));
      for (const what of ['gateways/g', 'queue', 'projects/default']) await s.pause(what);
    },
    reasons: {
      paused: [QUEUE, project('default'), gateway('g')],
      no_gateway: { gateways: [{ gateway_id: 'g', status: 'offline' }] },
    },
  },
  {
    name: 'the gateway of its open execution is paused, and a worker and another gateway are there',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.add('t');
      await s.giveBack(await s.dispatch('g'), { keepDispatchKey: true });
      await s.openGateway('other');
      await s.worker('w');
      await s.pause('gateways/g');
    },
    reasons: {
      open_execution: { gateway: { gateway_id: 'g', status: 'online' } },
      paused: gateway('g'),
    },
  },
]);
