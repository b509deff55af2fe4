import { type ActionRequest } from '../../contracts/gateway-api.js';

/** A body of `POST /action` that cannot be taken; the text is the answer's `error`, with status 400. */
export class BadRequest extends Error {}

const MAX_ID_LENGTH = 255;

/** Reads a body. Throws {@link BadRequest}; unknown fields are ignored. `confirmed` is true only when it says so. */
export function parseActionRequest(body: unknown): ActionRequest {
  if (!isObject(body)) throw new BadRequest('Invalid JSON body.');
  const { action, params = {}, confirmed, task_id, idempotency_key, lease_number } = body;
  if (action === undefined || action === null || action === '')
    throw new BadRequest("Missing 'action' field.");
  if (typeof action !== 'string') throw new BadRequest("'action' must be a string.");
  if (action.length > MAX_ID_LENGTH)
    throw new BadRequest(`'action' must have at most ${MAX_ID_LENGTH} characters.`);
  if (!isObject(params)) throw new BadRequest("'params' must be an object.");
  const taskId = optionalId('task_id', task_id);
  const idempotencyKey = optionalId('idempotency_key', idempotency_key);
  if (idempotencyKey !== undefined && taskId === undefined)
    throw new BadRequest('idempotency_key requires task_id.');
  const given = lease_number !== undefined && lease_number !== null;
  if (given && !(Number.isSafeInteger(lease_number) && Number(lease_number) >= 0)) {
    throw new BadRequest("'lease_number' must be a whole number.");
  }
  return {
    action,
    params,
    confirmed: confirmed === true,
    ...(taskId === undefined ? {} : { task_id: taskId }),
    ...(idempotencyKey === undefined ? {} : { idempotency_key: idempotencyKey }),
    ...(given ? { lease_number: Number(lease_number) } : {}),
  };
}

function optionalId(name: string, value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new BadRequest(`'${name}' must be a string.`);
  if (value.length > MAX_ID_LENGTH)
    throw new BadRequest(`'${name}' must have at most ${MAX_ID_LENGTH} characters.`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
