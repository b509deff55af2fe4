import { type ActionResponseFrame, type AgentFrame, type AgentHello } from '../../contracts/agent-socket.js';
import { type ActionResult } from '../../contracts/gateway-api.js';
import { INTERNAL_ERROR } from '../../contracts/refusals.js';

type Fields = Readonly<Record<string, unknown>>;

const MAX_TEXT = 200;
const MAX_CAPABILITIES = 500;
const AGENT_ID = /^[\w.:-]{1,100}$/;

/** A frame of an agent; undefined for what is none, which is ignored. */
export function parseAgentFrame(text: string): AgentFrame | undefined {
  const frame = objectIn(text);
  switch (frame?.['type']) {
    case 'agent_hello':
      return hello(frame);
    case 'action_response':
      return response(frame);
    case 'emergency_stop_ack':
      return { type: 'emergency_stop_ack', status: 'stopped' };
    case 'resume_ack':
      return { type: 'resume_ack', status: 'resumed' };
    case 'pong':
      return { type: 'pong' };
    default:
      return undefined;
  }
}

function objectIn(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

function hello({ agent_version: version, capabilities, agent_id: id }: Fields): AgentHello {
  const names = Array.isArray(capabilities) ? capabilities : [];
  return {
    type: 'agent_hello',
    agent_version: typeof version === 'string' ? version.slice(0, MAX_TEXT) : 'unknown',
    capabilities: names
      .filter((name) => typeof name === 'string')
      .slice(0, MAX_CAPABILITIES)
      .map((name) => name.slice(0, MAX_TEXT)),
    ...(typeof id === 'string' && AGENT_ID.test(id) ? { agent_id: id } : {}),
  };
}

/** An answer that makes no sense is still the end of its action: nobody can tell what became of it. */
function response(frame: Fields): ActionResponseFrame | undefined {
  const { request_id: id, status, action, error, outcome } = frame;
  if (typeof id !== 'string') return undefined;
  const base = { type: 'action_response', request_id: id, action: String(action) } as const;
  const replay = frame['idempotent_replay'] === true ? { idempotent_replay: true } : {};
  const result = resultIn(frame['result']);
  if (status === 'success' && result !== undefined) return { ...base, ...replay, status, result };
  if (status === 'error' && typeof error === 'string') {
    const known = outcome === 'unknown' || outcome === 'not_executed';
    return { ...base, ...replay, status, error, ...(known ? { outcome } : {}) };
  }
  return { ...base, status: 'error', error: INTERNAL_ERROR, outcome: 'unknown' };
}

function resultIn(value: unknown): ActionResult | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { returncode, stdout = '', stderr = '' } = value as Fields;
  if (!Number.isSafeInteger(returncode) || typeof stdout !== 'string' || typeof stderr !== 'string')
    return undefined;
  // Halves of surrogate pairs have no UTF-8, and must be storable.
  return { returncode: Number(returncode), stdout: stdout.toWellFormed(), stderr: stderr.toWellFormed() };
}
