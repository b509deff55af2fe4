/** Whether an action runs by itself or only when the request says `confirmed: true`. */
export type ActionTier = 'auto' | 'confirm';

export interface ActionRule {
  readonly tier: ActionTier;
  /** Wall-clock seconds after which the action is killed. */
  readonly limitSeconds: number;
}

const DEFAULT_LIMIT_SECONDS = 120;

const auto = (limitSeconds = DEFAULT_LIMIT_SECONDS): ActionRule => ({ tier: 'auto', limitSeconds });
const confirm = (limitSeconds = DEFAULT_LIMIT_SECONDS): ActionRule => ({ tier: 'confirm', limitSeconds });

/** The actions that an OpenClaw gateway knows. Whatever is not listed here is blocked by every executor. */
export const actionRules: Readonly<Record<string, ActionRule>> = {
  git_status: auto(),
  run_tests: auto(),
  lint_project: auto(),
  build_project: auto(),
  start_dev_server: auto(),
  web_search: auto(15),
  file_read: auto(),
  list_directory: auto(),
  ollama_chat: auto(300),
  check_coding_agents: auto(),
  git_commit: confirm(),
  git_init: confirm(),
  git_add_all: confirm(),
  git_push: confirm(),
  gh_create_repo: confirm(120),
  install_dependencies: confirm(300),
  file_write: confirm(),
  create_directory: confirm(),
  open_in_vscode: confirm(),
  run_coding_agent: confirm(1_800),
  docker_build: confirm(600),
  docker_compose_up: confirm(300),
  close_app: confirm(),
  zip_project: confirm(),
  configure_coding_agent: confirm(),
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

/**
 * How long an action may take in seconds. `run_coding_agent` may name its own limit within 30..3600, those of an OpenClaw
 * gateway within 1..86400; an action that is not listed gets the default, since the gateway answers those at once.
 */
export function limitSecondsOf(action: string, params: Readonly<Record<string, unknown>>): number {
  const rule = Object.hasOwn(actionRules, action) ? actionRules[action] : undefined;
  if (action === 'run_coding_agent' && typeof params['timeout_seconds'] === 'number') {
    return Math.min(3_600, Math.max(30, params['timeout_seconds']));
  }
  if (openclawActions.includes(action)) {
    const { timeout_seconds: own } = params;
    if (typeof own === 'number') return Math.min(86_400, Math.max(1, own));
    return action === 'openclaw.agent' ? TURN_LIMIT_SECONDS : DEFAULT_LIMIT_SECONDS;
  }
  return rule?.limitSeconds ?? DEFAULT_LIMIT_SECONDS;
}
