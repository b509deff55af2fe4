import { expect, it } from '@jest/globals';
import { hostStatus } from './host-status.js';

const well = { isRevoked: false, isOffline: false, isDraining: false, isCordoned: false, holdings: 1 };

it.each([
  [{}, 'online'],
  [{ isCordoned: true }, 'cordoned'],
  [{ isDraining: true }, 'draining'],
  [{ isDraining: true, isCordoned: true }, 'draining'],
  [{ isDraining: true, holdings: 0 }, 'drained'],
  [{ isDraining: true, holdings: 0, isOffline: true }, 'drained'],
  [{ isDraining: true, isOffline: true }, 'offline'],
  [{ isOffline: true, isCordoned: true }, 'offline'],
  [{ isRevoked: true, isOffline: true }, 'revoked'],
])('of a host with %j is %s', (facts, status) => expect(hostStatus({ ...well, ...facts })).toBe(status));
