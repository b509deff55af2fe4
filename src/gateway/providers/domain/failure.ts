const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * How a call failed: the status that the provider answered, `network` when no answer came through, `timeout` when none
 * came in time. What a provider says in words decides nothing.
 */
export type FailureStatus = number | 'network' | 'timeout';

/** What follows from a failed call. */
export type Consequence =
  /** The request itself is wrong: nobody else is asked. */
  | { readonly kind: 'give-up' }
  | { readonly kind: 'next-provider' }
  /** The next model of the chain; this one is tried after the others for a while. */
  | { readonly kind: 'next-model'; readonly coolMs: number };

const NEXT_PROVIDER: Consequence = { kind: 'next-provider' };

/** What follows from a failure of a model in a chain. */
export function consequenceInChain(status: FailureStatus): Consequence {
  if (status === 'network' || status === 'timeout' || status === 408 || status >= 500) {
    return { kind: 'next-model', coolMs: MINUTE };
  }
  switch (status) {
    case 400:
      return { kind: 'give-up' };
    case 404:
      return { kind: 'next-model', coolMs: 6 * HOUR };
    case 429:
      return { kind: 'next-model', coolMs: 180_000 };
    case 402:
      return { kind: 'next-model', coolMs: HOUR };
    default:
      return NEXT_PROVIDER;
  }
}

/** What follows from a failure of a provider without a chain. */
export function consequenceAlone(status: FailureStatus): Consequence {
  return status === 400 ? { kind: 'give-up' } : NEXT_PROVIDER;
}
