import { expect } from '@jest/globals';
import { situations, write, read, needs } from './case.js';

/** Files that others have, or want first. */
export const files = situations([
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
]);
