import { expect, it } from '@jest/globals';
import { childEnvironment, mayBePassed } from './child-environment.js';

const daemon = {
  PATH: '/bin',
  HOME: '/home/x',
  LANG: 'C',
  LC_TIME: 'C',
  TZ: 'UTC',
  TMPDIR: undefined,
  SKYCLAW_TOKEN: 'secret',
  DATABASE_URL: 'secret',
  RPC_URL: 'http://rpc',
};

it('is what every program needs, what the operator passes on, and what the payload sets', () => {
  expect(
    childEnvironment({ daemon, passed: ['RPC_URL', 'UNSET'], payload: { A: '1', HOME: '/work' } }),
  ).toEqual({
    PATH: '/bin',
    HOME: '/work',
    LANG: 'C',
    LC_TIME: 'C',
    TZ: 'UTC',
    RPC_URL: 'http://rpc',
    A: '1',
  });
});

it('has no token, even when it is to be passed on', () => {
  expect(childEnvironment({ daemon, passed: ['SKYCLAW_TOKEN'], payload: {} })).not.toHaveProperty(
    'SKYCLAW_TOKEN',
  );
  expect(mayBePassed('SKYCLAW_TOKEN', new Set())).toBe(false);
  expect(mayBePassed('DATABASE_URL', new Set(['DATABASE_URL']))).toBe(false);
  expect(mayBePassed('RPC_URL', new Set(['DATABASE_URL']))).toBe(true);
});

it.each([
  'PATH',
  'LD_PRELOAD',
  'DYLD_INSERT_LIBRARIES',
  'NODE_OPTIONS',
  'BASH_ENV',
  'ENV',
  'PYTHONPATH',
  'SKYCLAW_X',
  'SKYNET_X',
  'OPENCLAW_X',
  'HOST_RUN_ID',
  'A=B',
  '',
])('does not take %j from a payload', (name) => {
  expect(childEnvironment({ daemon: {}, passed: [], payload: { [name]: 'x', KEPT: 'y' } })).toEqual({
    KEPT: 'y',
  });
});
