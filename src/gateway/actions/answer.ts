import { type ActionFailure, type ActionOutcome, type ActionResponse } from '../../contracts/gateway-api.js';
import { KEY_USED_OTHERWISE } from '../../contracts/refusals.js';

/** What `POST /action` answers. */
export interface HttpAnswer {
  readonly httpStatus: number;
  readonly body: ActionResponse | ActionFailure;
}

export const INTERRUPTED = 'The gateway stopped while this action ran; whether it took effect is unknown.';

export const ANSWER_LOST = 'The answer of the executor was lost; whether the action took effect is unknown.';

/** The action was decided against: an answer of the executing side, hence 200. */
export function refusal(action: string, error: string): HttpAnswer {
  return { httpStatus: 200, body: { status: 'error', action, error } };
}

/**
 * The gateway itself could not, or would not. `not_executed` speaks of the key, not only of this request: no earlier
 * request with it has run or is running.
 */
export function failure(httpStatus: number, error: string, outcome?: ActionOutcome): HttpAnswer {
  return { httpStatus, body: { error, ...(outcome === undefined ? {} : { outcome }) } };
}

/** The executor was not reached, or its answer was lost. */
export function unanswered(
  action: string,
  { httpStatus, error, outcome }: { httpStatus: number; error: string; outcome: ActionOutcome },
): HttpAnswer {
  return { httpStatus, body: { status: 'error', action, error, outcome } };
}

export const NO_EXECUTOR = failure(
  503,
  'No agent connected and SSH fallback is not configured.',
  'not_executed',
);
export const SHUTTING_DOWN = failure(503, 'The gateway is shutting down.', 'not_executed');
export const KEY_REUSED = failure(409, KEY_USED_OTHERWISE, 'not_executed');
/** The agent that was given the key is away; no other may have it meanwhile. */
export const HOLDER_AWAY = failure(503, 'Agent disconnected.', 'unknown');
/** Whether an earlier request with the key ran cannot be looked up: only the same key may be sent again. */
export const KEY_UNKNOWN_WITHOUT_DATABASE = failure(503, 'The gateway has no database.', 'unknown');
export const NO_DATABASE = failure(503, 'The gateway has no database.', 'not_executed');
export const NO_ANSWER_IN_TIME = failure(504, 'Agent did not respond in time.', 'unknown');

export function staleLease(taskId: string, given: number, highest: number): HttpAnswer {
  return failure(
    409,
    `Stale lease number ${given} for task ${taskId}; ${highest} has been seen.`,
    'not_executed',
  );
}

/** The same answer about a key that an earlier process may have executed: that it has not run cannot be said. */
export function unknownOfKey({ httpStatus, body }: HttpAnswer): HttpAnswer {
  return { httpStatus, body: 'outcome' in body ? { ...body, outcome: 'unknown' } : body };
}

export function asReplay(answer: HttpAnswer): HttpAnswer {
  return { ...answer, body: { ...answer.body, idempotent_replay: true } };
}
