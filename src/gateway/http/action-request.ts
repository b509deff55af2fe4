import { type ActionRequest, type LeasedFile } from '../../contracts/gateway-api.js';
import { readTraceContext, traceFields } from '../../platform/tracing/domain/trace-context.js';
import { HttpRefusal } from './http-refusal.js';

const MAX_ID_LENGTH = 255;
/** What a task may declare: a thousand entries in each of its three lists, each of so many characters. */
const MAX_FILES = 3_000;
const MAX_PATH_LENGTH = 1_000;

/** Reads a body. Throws an {@link HttpRefusal} with status 400; unknown fields are ignored. `confirmed` is true only when it says so. */
export function parseActionRequest(body: unknown): ActionRequest {
  if (!isObject(body)) throw badRequest('Invalid JSON body.');
  const { action, params = {}, confirmed, task_id, idempotency_key, lease_number, files } = body;
  // Of a trace context that cannot be read nothing is made: a trace is no reason to refuse work.
  const trace = readTraceContext(body);
  if (action === undefined || action === null || action === '') throw badRequest("Missing 'action' field.");
  if (typeof action !== 'string') throw badRequest("'action' must be a string.");
  if (action.length > MAX_ID_LENGTH)
    throw badRequest(`'action' must have at most ${MAX_ID_LENGTH} characters.`);
  if (!isObject(params)) throw badRequest("'params' must be an object.");
  const taskId = optionalId('task_id', task_id);
  const idempotencyKey = optionalId('idempotency_key', idempotency_key);
  if (idempotencyKey !== undefined && taskId === undefined)
    throw badRequest('idempotency_key requires task_id.');
  const given = lease_number !== undefined && lease_number !== null;
  if (given && !(Number.isSafeInteger(lease_number) && Number(lease_number) >= 0)) {
    throw badRequest("'lease_number' must be a whole number.");
  }
  return {
    action,
    params,
    confirmed: confirmed === true,
    ...(taskId === undefined ? {} : { task_id: taskId }),
    ...(idempotencyKey === undefined ? {} : { idempotency_key: idempotencyKey }),
    ...(given ? { lease_number: Number(lease_number) } : {}),
    ...(files === undefined || files === null ? {} : { files: leasedFiles(files) }),
    ...traceFields(trace),
  };
}

function leasedFiles(value: unknown): readonly LeasedFile[] {
  if (!Array.isArray(value)) throw badRequest("'files' must be a list of {path, mode}.");
  if (value.length > MAX_FILES) throw badRequest(`'files' may have at most ${MAX_FILES} entries.`);
  return value.map((entry: unknown) => {
    if (!isObject(entry) || typeof entry['path'] !== 'string' || entry['path'].trim() === '') {
      throw badRequest("'files' must be a list of {path, mode}.");
    }
    const { path, mode } = entry;
    if (path.length > MAX_PATH_LENGTH) {
      throw badRequest(`A path in 'files' may have at most ${MAX_PATH_LENGTH} characters.`);
    }
    if (mode !== 'read' && mode !== 'write')
      throw badRequest("The mode of a file must be 'read' or 'write'.");
    return { path, mode };
  });
}

const badRequest = (text: string) => new HttpRefusal(400, text);

function optionalId(name: string, value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw badRequest(`'${name}' must be a string.`);
  if (value.length > MAX_ID_LENGTH)
    throw badRequest(`'${name}' must have at most ${MAX_ID_LENGTH} characters.`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
