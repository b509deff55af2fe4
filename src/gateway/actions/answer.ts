import { type ActionFailure, type ActionOutcome, type ActionResponse } from '../../contracts/gateway-api.js';
import { type Answer } from '../executors/executor.js';

/** What `POST /action` answers. */
export interface HttpAnswer {
  readonly httpStatus: number;
  readonly body: ActionResponse | ActionFailure;
}

export function fromExecutor(action: string, answer: Answer): HttpAnswer {
  return answer.kind === 'executed'
    ? { httpStatus: 200, body: { status: 'success', action, result: answer.result } }
    : refusal(action, answer.error);
}

/** The action was decided against: an answer of the executing side, hence 200. */
export function refusal(action: string, error: string): HttpAnswer {
  return { httpStatus: 200, body: { status: 'error', action, error } };
}

/** The gateway itself could not, or would not. */
export function failure(httpStatus: number, error: string, outcome?: ActionOutcome): HttpAnswer {
  return { httpStatus, body: { error, ...(outcome === undefined ? {} : { outcome }) } };
}

export function asReplay(answer: HttpAnswer): HttpAnswer {
  return { ...answer, body: { ...answer.body, idempotent_replay: true } };
}
