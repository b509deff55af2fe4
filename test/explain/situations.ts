import { expect } from '@jest/globals';
import { type Stage } from './support.js';

/** A task `t` in some trouble, or in none. */
export interface Case {
  readonly name: string;
  readonly setUp: (stage: Stage) => Promise<unknown>;
  /** The exact set of reasons, and of each what it must say at least. */
  readonly reasons: Readonly<Record<string, object>>;
  readonly runnable?: true;
  readonly never?: true;
}

const strict = (gateway_id: string, more: object = {}) => ({ gateway_id, gateway_strict: true, ...more });
const write = (...required_files: string[]) => ({ required_files });
const read = (...read_files: string[]) => ({ read_files });
const needs = (...required_capabilities: string[]) => ({ required_capabilities });
const PUSH = { delivery: 'push' };
const PULL = { delivery: 'pull' };

/** Whom a task is for, and who is there. */
const takers: Case[] = [
  {
    name: 'nobody is registered',
    setUp: (s) => s.add('t'),
    reasons: { no_worker: { registered: 0 }, no_gateway: { registered: 0 } },
    runnable: true,
  },
  {
    name: 'it is for workers, and none is registered',
    setUp: (s) => s.add('t', PULL),
    reasons: { no_worker: { registered: 0 } },
    runnable: true,
  },
  {
    name: 'it is for gateways, and none is registered',
    setUp: (s) => s.add('t', PUSH),
    reasons: { no_gateway: { registered: 0, gateways: [] } },
    never: true,
  },
  {
    name: 'a worker is there',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('t');
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'a gateway is there',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.add('t', PUSH);
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'the only worker is silent, and there is no gateway',
    setUp: async (s) => {
      await s.silentWorker('w');
      await s.add('t');
    },
    reasons: { no_worker: { workers: [{ worker_id: 'w', status: 'offline' }] }, no_gateway: {} },
    runnable: true,
  },
  {
    name: 'the only worker that can do it is silent',
    setUp: async (s) => {
      await s.silentWorker('w', ['gpu']);
      await s.worker('other');
      await s.add('t', { ...PULL, ...needs('gpu') });
    },
    reasons: { no_worker: { registered: 1, workers: [{ worker_id: 'w', status: 'offline' }] } },
    runnable: true,
  },
  {
    name: 'no worker can do it',
    setUp: async (s) => {
      await s.worker('w', ['gpu']);
      await s.worker('w2', ['python']);
      await s.add('t', { ...PULL, ...needs('cuda', 'gpu', 'ssd') });
    },
    reasons: {
      missing_capability: {
        required: ['cuda', 'gpu', 'ssd'],
        workers: [
          { worker_id: 'w', missing: ['cuda', 'ssd'] },
          { worker_id: 'w2', missing: ['cuda', 'gpu', 'ssd'] },
        ],
        gateways: [],
      },
    },
    never: true,
  },
  {
    name: 'neither the worker nor the gateway can do it',
    setUp: async (s) => {
      await s.worker('w');
      await s.openGateway('g', ['execute_task']);
      await s.add('t', needs('gpu'));
    },
    reasons: {
      missing_capability: {
        workers: [{ worker_id: 'w', missing: ['gpu'] }],
        gateways: [{ gateway_id: 'g', missing: ['gpu'] }],
      },
    },
    never: true,
  },
  {
    name: 'the worker cannot do it, and the gateway that can is offline',
    setUp: async (s) => {
      await s.worker('w');
      await s.offlineGateway('g', ['gpu']);
      await s.add('t', needs('gpu'));
    },
    reasons: {
      missing_capability: { workers: [{ worker_id: 'w', missing: ['gpu'] }], gateways: [] },
      no_gateway: { gateways: [{ gateway_id: 'g', status: 'offline' }] },
    },
  },
  {
    name: 'the gateway cannot do it',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.worker('w', ['gpu']);
      await s.add('t', { ...PUSH, ...needs('gpu') });
    },
    reasons: {
      missing_capability: {
        workers: [],
        gateways: [{ gateway_id: 'g', status: 'online', missing: ['gpu'] }],
      },
    },
    never: true,
  },
  {
    name: 'one of the workers can do it',
    setUp: async (s) => {
      await s.worker('w');
      await s.worker('able', ['gpu', 'ssd']);
      await s.add('t', { ...PULL, ...needs('gpu') });
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'it must go to a gateway that nobody knows',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.add('t', strict('nowhere', PUSH));
    },
    reasons: { no_gateway: { gateway_id: 'nowhere', registered: 0 } },
    never: true,
  },
  {
    name: 'it must go to a gateway that nobody knows, or to its workers',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('t', strict('nowhere'));
    },
    reasons: { no_worker: { gateway_id: 'nowhere' }, no_gateway: { gateway_id: 'nowhere' } },
    never: true,
  },
  {
    name: 'it must go to a gateway that is offline',
    setUp: async (s) => {
      await s.openGateway('up');
      await s.offlineGateway('g');
      await s.add('t', strict('g', PUSH));
    },
    reasons: {
      no_gateway: { gateways: [{ gateway_id: 'g', status: 'offline', reason: expect.stringMatching(/./) }] },
    },
  },
  {
    name: 'it must go to a gateway that is degraded',
    setUp: async (s) => {
      await s.degradedGateway('g');
      await s.add('t', strict('g', PUSH));
    },
    reasons: { no_gateway: { gateways: [{ gateway_id: 'g', status: 'degraded' }] } },
  },
  {
    name: 'it must go to a gateway under maintenance',
    setUp: async (s) => {
      await s.openGateway('g', [], { status: 'maintenance' });
      await s.add('t', strict('g', PUSH));
    },
    reasons: { no_gateway: { gateways: [{ gateway_id: 'g', status: 'maintenance' }] } },
  },
  {
    name: 'it must go to a gateway that is there',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.add('t', strict('g'));
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'it is for workers of a gateway, and all are of another',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.worker('w', [], { gateway_id: 'other' });
      await s.add('t', strict('g', PULL));
    },
    reasons: { no_worker: { gateway_id: 'g', registered: 0 } },
    never: true,
  },
  {
    name: 'it is for workers of a gateway, and one is there',
    setUp: async (s) => {
      await s.worker('w', [], { gateway_id: 'g' });
      await s.add('t', strict('g', PULL));
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'it must go to a gateway that cannot do it',
    setUp: async (s) => {
      await s.openGateway('g');
      await s.openGateway('able', ['gpu']);
      await s.add('t', strict('g', { ...PUSH, ...needs('gpu') }));
    },
    reasons: { missing_capability: { gateways: [{ gateway_id: 'g', missing: ['gpu'] }] } },
    never: true,
  },
  {
    name: 'the gateway that it prefers is offline, and another is there',
    setUp: async (s) => {
      await s.offlineGateway('g');
      await s.openGateway('other');
      await s.add('t', { ...PUSH, gateway_id: 'g' });
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'all gateways are full',
    setUp: async (s) => {
      await fill(s, 'g');
      await s.add('t', PUSH);
    },
    reasons: { no_capacity: { gateways: [{ gateway_id: 'g', in_flight: 8, max_in_flight: 8 }] } },
  },
  {
    name: 'its gateway is full, and another has room',
    setUp: async (s) => {
      await fill(s, 'g');
      await s.openGateway('other');
      await s.add('t', strict('g', PUSH));
    },
    reasons: { no_capacity: { gateways: [{ gateway_id: 'g', in_flight: 8 }] } },
  },
  {
    name: 'the gateway is full, and a worker is there',
    setUp: async (s) => {
      await fill(s, 'g');
      await s.worker('w');
      await s.add('t');
    },
    reasons: {},
    runnable: true,
  },
];

/** What comes before it. */
const before: Case[] = [
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
];

/** Files that others have, or want first. */
const files: Case[] = [
  {
    name: 'somebody writes its file',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', write('a'));
      await s.claim('w');
      await s.add('t', write('./a'));
    },
    reasons: {
      waiting_for_file: {
        total: 1,
        queue: { losses: 0, is_awake: false },
        files: [
          {
            path: './a',
            mode: 'write',
            place: 1,
            ahead: [],
            owners: [
              {
                task_id: 'o',
                path: 'a',
                mode: 'write',
                locked_by: 'w',
                lease_expires_at: expect.any(String),
              },
            ],
          },
        ],
      },
    },
  },
  {
    name: 'two of its three files are owned by two others',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o1', write('a'));
      await s.add('o2', write('c'));
      await s.claim();
      await s.claim();
      await s.add('t', write('a', 'b', 'c'));
    },
    reasons: {
      waiting_for_file: {
        total: 2,
        files: [
          { path: 'a', owners: [{ task_id: 'o1' }] },
          { path: 'c', owners: [{ task_id: 'o2' }] },
        ],
      },
    },
  },
  {
    name: 'it reads what somebody writes',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', write('docs/x.md'));
      await s.claim();
      await s.add('t', read('docs/'));
    },
    reasons: {
      waiting_for_file: {
        files: [{ path: 'docs/', mode: 'read', owners: [{ task_id: 'o', path: 'docs/x.md' }] }],
      },
    },
  },
  {
    name: 'it writes what two others read',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('r1', read('src/**/*.ts'));
      await s.add('r2', read('src/a.ts'));
      await s.claim();
      await s.claim();
      await s.add('t', write('src/a.ts'));
    },
    reasons: {
      waiting_for_file: {
        files: [
          {
            owners_total: 2,
            owners: [
              { task_id: 'r1', mode: 'read', path: 'src/**/*.ts' },
              { task_id: 'r2', mode: 'read' },
            ],
          },
        ],
      },
    },
  },
  {
    name: 'it reads what others read',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', read('a'));
      await s.claim();
      await s.add('t', read('a'));
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'somebody of another project writes the same path',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', { ...write('a'), project_id: 'other' });
      await s.claim();
      await s.add('t', write('a'));
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'two come before it for its file',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', write('a'));
      await s.claim();
      await s.add('first', write('a'));
      await s.add('second', { ...write('**'), priority: 1 });
      await s.add('t', write('a'));
      await s.add('behind', write('a'));
    },
    reasons: {
      waiting_for_file: {
        files: [
          {
            place: 3,
            owners: [{ task_id: 'o' }],
            ahead: [{ task_id: 'second', path: '**' }, { task_id: 'first' }],
          },
        ],
      },
    },
  },
  {
    name: 'nobody owns its file, and somebody waits for a folder around it',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', write('src/x'));
      await s.claim();
      await s.add('folder', write('src/'));
      await s.add('t', write('src/y'));
    },
    reasons: {
      waiting_for_file: { files: [{ path: 'src/y', owners: [], place: 2, ahead: [{ task_id: 'folder' }] }] },
    },
  },
  {
    name: 'somebody who cannot run waits for its file first',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', write('a'));
      const owner = await s.claim();
      await s.add('gpu', { ...write('a'), ...needs('gpu') });
      await s.add('t', write('a'));
      await s.end(owner);
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'its file is owned, and it has not been parked',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', write('a'));
      await s.add('t', write('a'));
      await s.claim();
    },
    reasons: { waiting_for_file: { queue: null, files: [{ owners: [{ task_id: 'o' }] }] } },
  },
  {
    name: 'what is in front of it wants a file that is owned',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', write('a'));
      await s.add('front', write('a'));
      await s.add('t', write('b'));
      await s.claim();
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'what is in front of it will be parked on a folder around its file',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', write('src/x'));
      await s.add('front', write('src/'));
      await s.add('t', write('src/y'));
      await s.claim();
    },
    reasons: { queued_behind: { ahead: 1, first: ['front'], next_claims: [] } },
  },
  {
    name: 'who was woken for its file will find another one owned',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o1', write('a'));
      await s.add('o2', write('b'));
      const owner = await s.claim();
      await s.claim();
      await s.add('woken', write('a', 'b'));
      await s.add('t', write('a'));
      await s.end(owner);
    },
    reasons: {
      waiting_for_file: {
        files: [{ path: 'a', owners: [], ahead: [{ task_id: 'woken', is_awake: true }] }],
      },
    },
    runnable: true,
  },
  {
    name: 'who was woken for its file will take it',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', write('a'));
      const owner = await s.claim();
      await s.add('woken', write('a'));
      await s.add('t', write('a'));
      await s.end(owner);
    },
    reasons: { waiting_for_file: { files: [{ owners: [], ahead: [{ task_id: 'woken', is_awake: true }] }] } },
  },
  {
    name: 'it has been woken',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', write('a'));
      const owner = await s.claim();
      await s.add('t', write('a'));
      await s.end(owner);
    },
    reasons: {},
    runnable: true,
  },
];

/** It is not waiting at all, or waits again. */
const others: Case[] = [
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
];

/** Eight tasks are in flight at a new gateway: as many as there may be. */
async function fill(stage: Stage, gatewayId: string): Promise<void> {
  await stage.openGateway(gatewayId);
  for (let n = 0; n < 8; n++) {
    await stage.add(`busy-${n}`, PUSH);
    await stage.dispatch(gatewayId);
  }
}

export const cases: readonly Case[] = [...takers, ...before, ...files, ...others];
