import { expect, it } from '@jest/globals';
import { reasonOf, verdictOf } from './verdict.js';

const well = { worker: true, gateway: true };
const ill = { worker: false, gateway: true };
const lease = { holder: 'worker' as const, attempts: 1, leaseExpiries: 0, maxAttempts: 2 };

it.each([
  [
    'a dispatcher, always',
    { ...lease, holder: 'dispatcher' as const, attempts: 99, leaseExpiries: 99 },
    ill,
    'fail',
    'release',
  ],
  ['a healthy worker', lease, well, 'release', 'release'],
  ['a healthy worker, whatever the switch', lease, well, 'fail', 'release'],
  [
    'a healthy worker whose lease ran out too often',
    { ...lease, leaseExpiries: 2 },
    well,
    'release',
    'time-out',
  ],
  ['an unhealthy worker with attempts left', lease, ill, 'release', 'release'],
  ['an unhealthy worker without', { ...lease, attempts: 2 }, ill, 'release', 'time-out'],
  ['an unhealthy worker, by the original verdict', lease, ill, 'fail', 'time-out'],
] as const)('judges %s', (_what, expired, health, onUnhealthy, verdict) => {
  expect(verdictOf(expired, health, onUnhealthy)).toBe(verdict);
});

it('tells why in the words of the original', () => {
  expect(reasonOf('2026-01-01T00:00:00.000000+00:00', ill)).toBe(
    'Stale lock detected by reaper (locked_at=2026-01-01T00:00:00.000000+00:00, worker_healthy=False, gateway_healthy=True).',
  );
});
