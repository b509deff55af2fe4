import { type ProviderName } from './domain/catalogue.js';
import { type Candidate, type Demand, endOfHindrance, hindranceOf } from './domain/selection.js';
import { CallFailure, ProvidersError } from './errors.js';

const NONE_AVAILABLE = 'No AI providers available — all quotas exhausted or in cooldown.';

/** Nobody was asked: the request is too long for all who could be, or all have used what they may or rest. */
export function unavailable(candidates: readonly Candidate[], demand: Demand, now: number): ProvidersError {
  const hindered = candidates
    .map((candidate) => ({ candidate, hindrance: hindranceOf(candidate, demand, now) }))
    .filter(({ hindrance }) => hindrance !== 'not-allowed' && hindrance !== 'absent');
  if (hindered.length > 0 && hindered.every(({ hindrance }) => hindrance === 'too-long')) {
    const largest = Math.max(...hindered.map(({ candidate }) => candidate.traits.contextTokens));
    return new ProvidersError(
      'too-long',
      `No AI providers available — the request has about ${demand.tokens} tokens, the largest context is ${largest}.`,
    );
  }
  const ends = hindered.flatMap(({ candidate }) => endOfHindrance(candidate, now) ?? []);
  const retryAfterSeconds =
    ends.length === 0 ? undefined : Math.max(1, Math.ceil((Math.min(...ends) - now) / 1_000));
  return new ProvidersError('unavailable', NONE_AVAILABLE, { retryAfterSeconds });
}

/** All who were asked have failed; the last one is told. */
export function failed(provider: ProviderName, failure: CallFailure): ProvidersError {
  return withLast('failed', provider, failure);
}

/** A provider finds the request itself wrong. */
export function refused(provider: ProviderName, failure: CallFailure): ProvidersError {
  return withLast('refused', provider, failure);
}

function withLast(kind: 'failed' | 'refused', provider: ProviderName, failure: CallFailure): ProvidersError {
  const { status: lastStatus, message } = failure;
  return new ProvidersError(kind, `All AI providers failed. Last error: ${provider}: ${message}`, {
    lastStatus,
    cause: failure,
  });
}

export function unknownModel(model: string): ProvidersError {
  return new ProvidersError(
    'unknown-model',
    `There is no model '${model.slice(0, 200)}'. Ask for auto, for a provider that GET /providers shows as registered, ` +
      'or for provider/model.',
  );
}

/** The time of a whole request is over. */
export function tooLate(limitMs: number): ProvidersError {
  return new ProvidersError(
    'timeout',
    `All AI providers failed. Last error: the request took longer than ${limitMs / 1_000} s.`,
  );
}

/** The time of one call is over. */
export function callTooLate(limitMs: number): CallFailure {
  return new CallFailure('timeout', `No answer within ${limitMs / 1_000} s.`);
}

/** Why a request was ended from outside. */
export function endOf({ reason }: AbortSignal): ProvidersError {
  return reason instanceof ProvidersError
    ? reason
    : new ProvidersError('aborted', 'The caller has hung up.', { cause: reason });
}
