import { expect } from '@jest/globals';
import { needs, PUSH, situations, write } from './case.js';

const key = (concurrency_key: string, concurrency_limit = 1): object => ({
  concurrency_key,
  concurrency_limit,
});

/** Concurrency keys that others hold. */
export const keys = situations([
  {
    name: 'its key is full, and it has not been parked',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', key('k'));
      await s.claim('w');
      await s.add('t', key('k'));
    },
    reasons: {
      waiting_for_concurrency: {
        ...{ key: 'k', limit: 1, held: 1, is_parked: false, place: 1, place_is_at_least: false, ahead: [] },
        holders: [{ task_id: 'o', locked_by: 'w', lease_expires_at: expect.any(String) }],
      },
    },
  },
  {
    name: 'its key is full, and it has been parked behind others',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o1', key('k', 2));
      await s.add('o2', key('k', 2));
      await s.claim('w');
      await s.claim('w2');
      await s.add('first', key('k', 2));
      await s.add('t', key('k', 2));
      await s.claim().catch(() => undefined);
      await s.add('urgent', { ...key('k', 2), priority: 1 });
      await s.add('behind', key('k', 2));
    },
    reasons: {
      waiting_for_concurrency: {
        ...{ limit: 2, held: 2, is_parked: true, place: 3, ahead: ['urgent', 'first'] },
        holders: [{ task_id: 'o1' }, { task_id: 'o2', locked_by: 'w2' }],
      },
    },
  },
  {
    name: 'more of its key are held than it allows, by tasks that allow more',
    setUp: async (s) => {
      await s.worker('w');
      for (const n of [1, 2, 3, 4, 5, 6, 7]) await s.add(`o${n}`, key('k', 10));
      await s.claim('w', { max: 10 });
      await s.add('t', key('k', 3));
    },
    reasons: {
      waiting_for_concurrency: {
        ...{ limit: 3, held: 7 },
        holders: ['o1', 'o2', 'o3', 'o4', 'o5'].map((task_id) => expect.objectContaining({ task_id })),
      },
    },
  },
  {
    name: 'some of its key are held, and it allows one more',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', key('k'));
      await s.claim();
      await s.add('t', key('k', 2));
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'the same key of another project is full',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', { ...key('k'), project_id: 'other' });
      await s.claim();
      await s.add('t', key('k'));
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'it has been woken for a place of its key',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', key('k'));
      const holder = await s.claim();
      await s.add('t', key('k'));
      await s.claim().catch(() => undefined);
      await s.end(holder);
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'somebody else has been woken for the place of its key',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', key('k'));
      const holder = await s.claim();
      await s.add('woken', key('k'));
      await s.add('t', key('k'));
      await s.claim().catch(() => undefined);
      await s.end(holder);
    },
    reasons: {
      waiting_for_concurrency: { held: 0, holders: [], is_parked: true, place: 2, ahead: ['woken'] },
    },
  },
  {
    name: 'who was woken for the place of its key will find a file owned',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('writer', write('a'));
      await s.add('o', key('k'));
      await s.claim();
      const holder = await s.claim();
      await s.add('woken', key('k'));
      await s.add('t', key('k'));
      await s.add('behind', write('b'));
      // What it needs has changed hands since it was parked.
      await s.api.query(`update tasks set file_paths = '{a}', required_files = '{a}' where id = 'woken'`);
      await s.api.query(`update tasks set gate = 4 where id in ('woken', 't')`);
      await s.end(holder);
    },
    reasons: { waiting_for_concurrency: { held: 0, place: 2, ahead: ['woken'] } },
    runnable: true,
  },
  {
    name: 'who comes first for the place of its key is for somebody else',
    setUp: async (s) => {
      await s.worker('w');
      await s.openGateway('g');
      await s.add('o', key('k'));
      const holder = await s.claim();
      await s.add('gateways', { ...key('k'), ...PUSH });
      await s.add('t', { ...key('k'), delivery: 'pull' });
      await s.api.query(`update tasks set gate = 4 where gate = 0`);
      await s.end(holder);
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'what is in front of it waits for a key that is full',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('o', key('k'));
      await s.claim();
      await s.add('front', key('k'));
      await s.add('t');
    },
    reasons: {},
    runnable: true,
  },
  {
    name: 'both its file and its key are held, by two others',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('owner', write('a'));
      await s.add('holder', key('k'));
      await s.claim();
      await s.claim();
      await s.add('t', { ...key('k'), ...write('a') });
    },
    reasons: {
      waiting_for_file: { files: [{ owners: [{ task_id: 'owner' }] }] },
      waiting_for_concurrency: { holders: [{ task_id: 'holder' }], is_parked: false },
    },
  },
  {
    name: 'who was woken for its file has a key that is full',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('owner', write('a'));
      await s.add('holder', key('k'));
      const owner = await s.claim();
      await s.claim();
      await s.add('woken', { ...key('k'), ...write('a') });
      await s.add('t', write('a'));
      await s.end(owner);
    },
    reasons: { waiting_for_file: { files: [{ owners: [], ahead: [{ task_id: 'woken', is_awake: true }] }] } },
    runnable: true,
  },
  {
    name: 'a dependency, a key and a capability are in the way at once',
    setUp: async (s) => {
      await s.worker('w');
      await s.add('p');
      await s.add('o', key('k'));
      await s.claim();
      await s.claim();
      await s.add('t', { dependencies: ['p'], ...key('k'), ...needs('gpu'), delivery: 'pull' });
    },
    reasons: {
      waiting_for_dependency: { total: 1 },
      waiting_for_concurrency: { held: 1 },
      missing_capability: {},
    },
    never: true,
  },
]);
