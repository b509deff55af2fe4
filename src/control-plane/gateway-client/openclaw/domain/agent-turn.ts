import { type JsonObject } from '../../../../platform/database/row.js';

export const permissionModes = ['read-only', 'guarded', 'full'] as const;
export type PermissionMode = (typeof permissionModes)[number];

/** A turn of an agent, as a task asks for it. */
export interface AgentTurn {
  readonly message: string;
  readonly agentId: string;
  readonly sessionKey: string;
  /** Whether nobody but this task uses the session. */
  readonly ownsSession: boolean;
  readonly model: string | null;
  readonly permissionMode: PermissionMode;
}

/** A call of one tool. */
export interface ToolCall {
  readonly tool: string;
  readonly args: JsonObject;
  readonly sessionKey: string | null;
}

export type Read<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

export interface TurnRules {
  readonly confirmed: boolean;
  readonly allowFull: boolean;
  /** What the session of the task is called when it names none. */
  readonly sessionName: string;
}

const MAX_MESSAGE = 200_000;
const AGENT_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const SESSION_KEY = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$/;
const MODEL = /^[\w./:@-]{1,200}$/;
const TOOL = /^[\w.-]{1,100}$/;
const MAX_TIMEOUT = 86_400;

const AGENT_PARAMS = ['message', 'agent', 'session_key', 'model', 'permission_mode', 'timeout_seconds'];
const TOOL_PARAMS = ['tool', 'args', 'session_key', 'timeout_seconds'];

const wrong = (error: string): { readonly ok: false; readonly error: string } => ({ ok: false, error });

/** Reads the params of `openclaw.agent`. A name that is not known is refused: a mode that is misspelt must not pass. */
export function readAgentTurn(params: JsonObject, rules: TurnRules): Read<AgentTurn> {
  const fault = commonFault(params, AGENT_PARAMS);
  if (fault !== null) return wrong(fault);
  const { message, agent = 'main', session_key: sessionKey, model, permission_mode: mode } = params;
  if (typeof message !== 'string' || message.trim() === '' || message.length > MAX_MESSAGE) {
    return wrong(`params.message must be a text of 1 to ${MAX_MESSAGE} characters`);
  }
  if (typeof agent !== 'string' || !AGENT_ID.test(agent))
    return wrong('params.agent must be the id of an agent');
  if (model !== undefined && (typeof model !== 'string' || !MODEL.test(model))) {
    return wrong('params.model must be the name of a model, such as provider/model');
  }
  const session = sessionOf(sessionKey, agent, rules.sessionName);
  if (session === null) {
    return wrong(`params.session_key must be a name, or a key that begins with agent:${agent}:`);
  }
  const permission = permissionOf(mode, rules);
  if (!permission.ok) return permission;
  return {
    ok: true,
    value: {
      ...{ message, agentId: agent, sessionKey: session, ownsSession: sessionKey === undefined },
      ...{ model: model ?? null, permissionMode: permission.value },
    },
  };
}

/** Reads the params of `openclaw.tool`. */
export function readToolCall(params: JsonObject): Read<ToolCall> {
  const fault = commonFault(params, TOOL_PARAMS);
  if (fault !== null) return wrong(fault);
  const { tool, args = {}, session_key: sessionKey } = params;
  if (typeof tool !== 'string' || !TOOL.test(tool)) return wrong('params.tool must be the name of a tool');
  if (typeof args !== 'object' || args === null || Array.isArray(args)) {
    return wrong('params.args must be an object');
  }
  if (sessionKey !== undefined && (typeof sessionKey !== 'string' || !SESSION_KEY.test(sessionKey))) {
    return wrong('params.session_key must be the key of a session');
  }
  return { ok: true, value: { tool, args: args as JsonObject, sessionKey: sessionKey ?? null } };
}

function commonFault(params: JsonObject, known: readonly string[]): string | null {
  const unknown = Object.keys(params).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    return `params.${unknown.slice(0, 100)} is not known; there are ${known.join(', ')}`;
  }
  const timeout = params['timeout_seconds'];
  const isFine =
    timeout === undefined ||
    (typeof timeout === 'number' && Number.isInteger(timeout) && timeout >= 1 && timeout <= MAX_TIMEOUT);
  return isFine ? null : `params.timeout_seconds must be a whole number from 1 to ${MAX_TIMEOUT}`;
}

function sessionOf(given: unknown, agent: string, name: string): string | null {
  const prefix = `agent:${agent}:`;
  if (given === undefined) return prefix + name;
  if (typeof given !== 'string' || !SESSION_KEY.test(given)) return null;
  if (!given.startsWith('agent:')) return prefix + given;
  return given.startsWith(prefix) && given.length > prefix.length ? given : null;
}

function permissionOf(mode: unknown, { confirmed, allowFull }: TurnRules): Read<PermissionMode> {
  const known = permissionModes.find((name) => name === mode);
  if (mode !== undefined && known === undefined) {
    return wrong(`params.permission_mode must be one of ${permissionModes.join(', ')}`);
  }
  const wanted = known ?? (confirmed ? 'guarded' : 'read-only');
  if (!confirmed && wanted !== 'read-only') {
    return wrong(`permission_mode ${wanted} needs confirmed: true`);
  }
  if (wanted === 'full' && !allowFull) {
    return wrong(
      'permission_mode full is not allowed here; an operator allows it by SKYNET_OPENCLAW_ALLOW_FULL=1',
    );
  }
  return { ok: true, value: wanted };
}
