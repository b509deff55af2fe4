import { type ExecutionWatcher } from '../gateway-protocol.js';
import { isObject, listIn, numberIn, objectIn, textIn } from './domain/json.js';

/** Whose events are listened to: the gateway tells every connection of all of its runs. */
export interface Watched {
  readonly sessionKey: string;
  readonly ownsSession: boolean;
  readonly runIds: readonly string[];
}

const MAX_COMMAND = 4_000;
const MAX_DECISIONS = 10;

/** Tells a watcher of an event, if it is of its turn. */
export function watchEvents(
  watcher: ExecutionWatcher,
  event: string,
  payload: unknown,
  watched: Watched,
): void {
  switch (event) {
    case 'agent': {
      const delta = textIn(objectIn(payload, 'data'), 'delta');
      if (textIn(payload, 'stream') === 'assistant' && delta !== '' && isOf(payload, watched))
        watcher.text(delta);
      return;
    }
    case 'exec.approval.requested': {
      const request = objectIn(payload, 'request');
      const approvalId = textIn(payload, 'id');
      if (approvalId === '' || approvalId.length > 200 || !isOf(request, watched)) return;
      const expires = numberIn(payload, 'expiresAtMs');
      watcher.approvalRequested({
        approvalId,
        command: textIn(request, 'command').slice(0, MAX_COMMAND),
        cwd: textIn(request, 'cwd').slice(0, MAX_COMMAND),
        decisions: listIn(request, 'allowedDecisions')
          .filter((entry): entry is string => typeof entry === 'string')
          .slice(0, MAX_DECISIONS),
        expiresAt: expires === null || Math.abs(expires) > 8.64e15 ? null : new Date(expires),
      });
      return;
    }
    case 'exec.approval.resolved': {
      const approvalId = textIn(payload, 'id');
      if (isOf(isObject(payload) ? payload['request'] : undefined, watched)) {
        watcher.approvalResolved(approvalId, textIn(payload, 'decision'));
      }
    }
  }
}

/** A resumed turn goes by another run id; in a session of its own it is the task's all the same. */
function isOf(source: unknown, { sessionKey, ownsSession, runIds }: Watched): boolean {
  return (
    runIds.includes(textIn(source, 'runId')) || (ownsSession && textIn(source, 'sessionKey') === sessionKey)
  );
}
