import { type JsonObject } from '../../../platform/database/row.js';

/** What an attempt to settle a payment came to. */
export type SettleOutcome =
  | { readonly kind: 'settled'; readonly settlement: JsonObject; readonly transaction: string }
  /** The facilitator says that nothing was taken. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The facilitator was not reached. */
  | { readonly kind: 'not-sent'; readonly reason: string }
  /** It may have been taken, or not. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** What the facilitator says when it does not know itself. */
const UNDECIDED = /pending|timed?[ _-]?out|unexpected_settle_error/i;

/**
 * Faults that a payment has from its beginning: it never went through. Any other refusal that follows an attempt of
 * unknown outcome may be the trace of that attempt: the nonce is used and the funds are gone because they were taken.
 */
const FROM_THE_BEGINNING = new Set([
  'invalid_exact_evm_payload_signature',
  'invalid_exact_evm_payload_recipient_mismatch',
  'invalid_exact_evm_payload_authorization_value',
  'invalid_network',
  'invalid_payload',
  'invalid_payment_requirements',
  'invalid_scheme',
  'unsupported_scheme',
  'invalid_x402_version',
]);

/** What to believe of an attempt, given whether an earlier one may have gone through. */
export function judged(outcome: SettleOutcome, isUncertain: boolean): SettleOutcome {
  if (outcome.kind !== 'refused') return outcome;
  if (UNDECIDED.test(outcome.reason)) return { kind: 'unknown', reason: outcome.reason };
  if (!isUncertain || FROM_THE_BEGINNING.has(outcome.reason)) return outcome;
  return { kind: 'unknown', reason: `${outcome.reason}, after an attempt whose outcome is not known` };
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 3_600_000;

/** How long to wait before the next attempt, after so many. */
export function pauseMs(attempts: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(30, Math.max(0, attempts - 1)));
}
