import { describe, expect, it } from '@jest/globals';
import { judged, pauseMs, type SettleOutcome } from './settling.js';

const refused = (reason: string): SettleOutcome => ({ kind: 'refused', reason });

describe('a refusal', () => {
  it.each([
    ['insufficient_funds', false, 'refused'],
    ['insufficient_funds', true, 'unknown'],
    ['nonce already used', true, 'unknown'],
    ['invalid_exact_evm_payload_signature', true, 'refused'],
    ['settlement_pending', false, 'unknown'],
    ['unexpected_settle_error', false, 'unknown'],
    ['Timed out', false, 'unknown'],
  ])('%j, after an attempt of unknown outcome: %s, means %s', (reason, isUncertain, kind) =>
    expect(judged(refused(reason), isUncertain).kind).toBe(kind),
  );
});

it('nothing else is doubted', () => {
  const settled: SettleOutcome = { kind: 'settled', settlement: {}, transaction: '' };
  expect(judged(settled, true)).toBe(settled);
});

it('pauses grow to an hour', () => {
  expect([0, 1, 2, 3].map(pauseMs)).toEqual([250, 250, 500, 1_000]);
  expect([14, 15, 1_000].map(pauseMs)).toEqual([2_048_000, 3_600_000, 3_600_000]);
});
