import { expect } from '@jest/globals';
import { situations, strict, needs, PUSH, PULL } from './case.js';
import { type Stage } from '../support.js';

/** Whom a task is for, and who is there. */
export const takers = situations([
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
]);

/** Eight tasks are in flight at a new gateway: as many as there may be. */
async function fill(stage: Stage, gatewayId: string): Promise<void> {
  await stage.openGateway(gatewayId);
  for (let n = 0; n < 8; n++) {
    await stage.add(`busy-${n}`, PUSH);
    await stage.dispatch(gatewayId);
  }
}
