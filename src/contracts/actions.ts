/** Whether an action runs by itself or only when the request says `confirmed: true`. */
export type ActionTier = 'auto' | 'confirm';

/**
 * What an action may do at worst: look, change what is in the allowed folders, or reach beyond them (a remote
 * repository, running containers and programs, the settings of other programs). Whatever is ADMIN wants confirmation.
 */
export type ActionRisk = 'READ_ONLY' | 'WRITE' | 'ADMIN';

export interface ActionRule {
  readonly tier: ActionTier;
  readonly risk: ActionRisk;
  /** Wall-clock seconds after which the action is killed. */
  readonly limitSeconds: number;
}

const DEFAULT_LIMIT_SECONDS = 120;

const rule =
  (tier: ActionTier) =>
  (risk: ActionRisk, limitSeconds = DEFAULT_LIMIT_SECONDS): ActionRule => ({ tier, risk, limitSeconds });
const auto = rule('auto');
const confirm = rule('confirm');

/** The actions that an OpenClaw gateway knows. Whatever is not listed here is blocked by every executor. */
export const actionRules: Readonly<Record<string, ActionRule>> = {
  git_status: auto('READ_ONLY'),
  run_tests: auto('WRITE'),
  lint_project: auto('READ_ONLY'),
  build_project: auto('WRITE'),
  start_dev_server: auto('WRITE'),
  web_search: auto('READ_ONLY', 15),
  file_read: auto('READ_ONLY'),
  list_directory: auto('READ_ONLY'),
  ollama_chat: auto('READ_ONLY', 300),
  check_coding_agents: auto('READ_ONLY'),
  git_commit: confirm('WRITE'),
  git_init: confirm('WRITE'),
  git_add_all: confirm('WRITE'),
  git_push: confirm('ADMIN'),
  gh_create_repo: confirm('ADMIN', 120),
  install_dependencies: confirm('WRITE', 300),
  file_write: confirm('WRITE'),
  create_directory: confirm('WRITE'),
  open_in_vscode: confirm('WRITE'),
  run_coding_agent: confirm('WRITE', 1_800),
  docker_build: confirm('WRITE', 600),
  docker_compose_up: confirm('ADMIN', 300),
  close_app: confirm('ADMIN'),
  zip_project: confirm('READ_ONLY'),
  configure_coding_agent: confirm('ADMIN'),
};

/** The actions that a real OpenClaw gateway serves: a turn of an agent, and a call of a tool. */
export const openclawActions: readonly string[] = ['openclaw.agent', 'openclaw.tool'];

/** The capabilities that an action requires of whoever takes it, without being told: what only some gateways serve. */
export const capabilitiesFor = (action: string): readonly string[] =>
  openclawActions.includes(action) ? [action] : [];

/** A turn may take this long, unless it names its own limit. */
const TURN_LIMIT_SECONDS = 600;

/** Names that are refused with a word of their own: they were asked for so often that the refusal is explicit. */
export const blockedActions: ReadonlySet<string> = new Set([
  'shell_exec',
  'format_disk',
  'modify_registry',
  'manage_users',
  'firewall_change',
  'download_exec',
  'eval_code',
]);

/** What `timeout_seconds` of `run_coding_agent` may be. */
export const TIMEOUT_SECONDS = { min: 30, max: 3_600 } as const;

/**
 * How long an action may take in seconds. `run_coding_agent` may name its own limit within 30..3600, those of an OpenClaw
 * gateway within 1..86400; an action that is not listed gets the default, since the gateway answers those at once.
 */
export function limitSecondsOf(action: string, params: Readonly<Record<string, unknown>>): number {
  const known = Object.hasOwn(actionRules, action) ? actionRules[action] : undefined;
  if (action === 'run_coding_agent' && typeof params['timeout_seconds'] === 'number') {
    return Math.min(TIMEOUT_SECONDS.max, Math.max(TIMEOUT_SECONDS.min, params['timeout_seconds']));
  }
  if (openclawActions.includes(action)) {
    const { timeout_seconds: own } = params;
    if (typeof own === 'number') return Math.min(86_400, Math.max(1, own));
    return action === 'openclaw.agent' ? TURN_LIMIT_SECONDS : DEFAULT_LIMIT_SECONDS;
  }
  return known?.limitSeconds ?? DEFAULT_LIMIT_SECONDS;
}
