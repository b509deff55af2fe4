import { type ActionRequestFrame, type GatewayFrame } from '../../../contracts/agent-socket.js';
import { readTraceContext, traceFields } from '../../../platform/tracing/domain/trace-context.js';
import { type LeasedFile } from '../../../contracts/gateway-api.js';

/** A frame of a gateway; undefined for what is none, which is ignored. */
export function parseGatewayFrame(text: string): GatewayFrame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { type } = value;
  switch (type) {
    case 'action_request':
      return actionRequest(value);
    case 'emergency_stop':
    case 'resume':
    case 'ping':
      return { type };
    default:
      return undefined;
  }
}

function actionRequest(frame: Readonly<Record<string, unknown>>): ActionRequestFrame | undefined {
  const { request_id, action, params = {}, task_id, idempotency_key, files, timeout_ms, recall } = frame;
  if (typeof request_id !== 'string' || typeof action !== 'string' || !isObject(params)) return undefined;
  return {
    type: 'action_request',
    request_id,
    action,
    params,
    confirmed: frame['confirmed'] === true,
    ...(typeof task_id === 'string' ? { task_id } : {}),
    ...(typeof idempotency_key === 'string' ? { idempotency_key } : {}),
    ...(Array.isArray(files) ? { files: files.filter(isLeasedFile) } : {}),
    ...traceFields(readTraceContext(frame)),
    timeout_ms: typeof timeout_ms === 'number' ? timeout_ms : 0,
    ...(recall === true ? { recall } : {}),
  };
}

function isLeasedFile(value: unknown): value is LeasedFile {
  if (!isObject(value)) return false;
  const { path, mode } = value;
  return typeof path === 'string' && (mode === 'read' || mode === 'write');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
