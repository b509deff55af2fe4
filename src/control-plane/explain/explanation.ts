import { type Facts, type Reason } from './domain/facts.js';
import { isRunnable, neverOf, reasonsOf, summaryOf } from './domain/reasons.js';
import { type ExplainResponse, type ReasonView } from './explain.dto.js';

/** What callers are told. */
export function explanation(facts: Facts): ExplainResponse {
  const { task } = facts.situation;
  const reasons = reasonsOf(facts);
  const never = neverOf(facts);
  return {
    task_id: task.id,
    status: task.status,
    runnable: isRunnable(facts),
    summary: summaryOf(facts, reasons),
    reasons: reasons.map(reasonView),
    never: never !== null,
    never_reason: never,
    expires_at: task.expiresAt,
    attempts: task.attempts,
    max_attempts: task.maxAttempts,
    checked_at: task.checkedAt,
  };
}

function reasonView({ code, message, since, details, unblock }: Reason): ReasonView {
  return {
    ...{ code, message },
    ...(since === undefined ? {} : { since }),
    details: { ...details },
    unblock: unblock.map(({ method, path, body, why }) => ({
      ...{ method, path },
      ...(body === undefined ? {} : { body: { ...body } }),
      why,
    })),
  };
}
