import { type ActionResponseFrame } from '../../contracts/agent-socket.js';
import { INTERNAL_ERROR } from '../../contracts/refusals.js';
import { type ExecutorAnswer } from '../executors/executor.js';

/** What came of asking an agent: its answer, or why there is none. */
export type Reply =
  | ActionResponseFrame
  /** The connection was closed already. */
  | 'not sent'
  /** The connection broke before the answer came. */
  | 'lost'
  | 'given up'
  /** This gateway ends and waits no longer. */
  | 'left';

const unanswered = (httpStatus: 503 | 504, error: string, outcome: 'not_executed' | 'unknown') =>
  ({ kind: 'unanswered', httpStatus, error, outcome }) as const;

/** What an agent's reply to an action that it was given means. */
export function answerOf(reply: Reply): ExecutorAnswer {
  switch (reply) {
    case 'not sent':
      return unanswered(503, 'No agent connected.', 'not_executed');
    case 'lost':
      return unanswered(503, 'Agent disconnected.', 'unknown');
    case 'given up':
      return unanswered(504, 'Agent did not respond in time.', 'unknown');
    case 'left':
      return unanswered(503, 'The gateway is shutting down.', 'unknown');
    default:
      return answerOfResponse(reply);
  }
}

/** What an agent's reply about a key that it was given earlier means; null when the key has not run there. */
export function memoryOf(reply: Reply): ExecutorAnswer | null {
  const answer = answerOf(reply);
  switch (answer.kind) {
    case 'executed':
    case 'interrupted':
      return answer;
    case 'unanswered':
      // It was the question that was not taken: of the key it says nothing.
      if (typeof reply === 'string') return { ...answer, outcome: 'unknown' };
      return answer.outcome === 'not_executed' ? null : answer;
    case 'refused':
    case 'halted':
      return null;
  }
}

function answerOfResponse({ result, error = INTERNAL_ERROR, outcome }: ActionResponseFrame): ExecutorAnswer {
  if (result !== undefined) return { kind: 'executed', result };
  if (outcome === 'not_executed') return unanswered(503, error, outcome);
  // Agents that tell no outcome say this of what failed underway.
  if (outcome === 'unknown' || error === INTERNAL_ERROR) return { kind: 'interrupted', error };
  return { kind: 'refused', error };
}
