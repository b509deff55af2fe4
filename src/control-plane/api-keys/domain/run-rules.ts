import { type RunClaim } from '../../auth/index.js';
import { fieldsAt, type RequestParts } from './request-path.js';

/**
 * Keeps a request to the claim of its run token, whose worker and token are put in where they are left out. Text: why it is
 * refused, because it is for another task or claim, or would claim more.
 */
export function keepToClaim(
  request: RequestParts,
  { taskId, workerId, claimToken }: RunClaim,
): string | null {
  request.body ??= {};
  const [path] = fieldsAt(request, 'params.id');
  if (path !== undefined && path.name in path.holder && path.holder[path.name] !== taskId) return NOT_ITS_OWN;
  const proof = [
    ['body.task_id', taskId],
    ['body.worker_id', workerId],
    ['body.claim_token', claimToken],
  ] as const;
  for (const [at, value] of proof) {
    for (const { holder, name } of fieldsAt(request, at)) {
      const given = holder[name];
      if (given === undefined || given === null || given === '') holder[name] = value;
      else if (given !== value) return NOT_ITS_OWN;
    }
  }
  const more = fieldsAt(request, 'body.claim_next').map(({ holder, name }) => holder[name] ?? null);
  return more.every((wish) => wish === null) ? null : 'A run token cannot claim more work.';
}

const NOT_ITS_OWN = 'A run token is for its own claim alone.';
