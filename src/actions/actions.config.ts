import { Env } from '../platform/config/env.js';
import { type VariableName } from '../platform/config/variables/index.js';
import { type AgentName } from './coding-agents/profiles.js';

/** What becomes of writes outside of the lease: told, told and counted as a failure, or told and put back. */
export const leaseViolationPolicies = ['report', 'fail', 'revert'] as const;
export type LeaseViolationPolicy = (typeof leaseViolationPolicies)[number];

/** What an operator can set about the actions of a machine. */
export interface ActionsConfig {
  /** The page that `web_search` asks, with the query as `q`. */
  readonly webSearchUrl: string;
  readonly ollamaUrl: string;
  /** What is started as each coding agent: a name to be found in PATH, or a path. */
  readonly agentBins: Readonly<Record<AgentName, string>>;
  /** Names of environment variables that coding agents see beyond what all programs see. */
  readonly agentEnv: readonly string[];
  readonly leaseViolationPolicy: LeaseViolationPolicy;
}

/** Where Ollama is on most machines. */
const LOCAL_OLLAMA = 'http://127.0.0.1:11434';

/** Settings of this product are for its own programs, however they are named in a list. */
const OWN = /^(SKYNET|SKYCLAW|OPENCLAW)_|^(DATABASE_URL|POSTGRES_PASSWORD|TELEGRAM_BOT_TOKEN)$/;

export function actionsConfig(env: Env): ActionsConfig {
  return Object.freeze({
    webSearchUrl: httpUrl(env, 'SKYNET_WEB_SEARCH_URL'),
    ollamaUrl: httpUrl(env, 'OLLAMA_BASE_URL', LOCAL_OLLAMA),
    agentBins: {
      codex: env.text('SKYNET_CODEX_BIN'),
      claude: env.text('SKYNET_CLAUDE_BIN'),
      cline: env.text('SKYNET_CLINE_BIN'),
      openclaw: env.text('SKYNET_OPENCLAW_BIN'),
    },
    agentEnv: env.listOf(
      'SKYNET_CODING_AGENT_ENV',
      'names of environment variables, none of them a setting of this product',
      (name) => /^[A-Za-z_]\w*$/.test(name) && !OWN.test(name),
    ),
    leaseViolationPolicy: env.oneOf('SKYNET_LEASE_VIOLATION_POLICY', leaseViolationPolicies),
  });
}

/** All of it as it is when nothing is set. */
export function defaultActionsConfig(): ActionsConfig {
  return actionsConfig(new Env({}));
}

function httpUrl(env: Env, name: VariableName, fallback = new Env({}).text(name)): string {
  const read = (raw: string) =>
    URL.canParse(raw) && /^https?:$/.test(new URL(raw).protocol) ? raw : undefined;
  return env.optional(name, 'an http(s) URL', read) ?? fallback;
}
