import { type Params, textParam } from '../../../actions/index.js';

/** Programs with their arguments, run one after the other in the working directory while each of them succeeds. */
export interface Plan {
  readonly commands: readonly (readonly string[])[];
  /** What the last of them reads. */
  readonly input?: string;
  /** What they see of the environment beyond what the login has. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a plan is made of. */
export interface PlanContext {
  readonly params: Params;
  /** A path parameter, resolved on the remote side and known to be allowed. */
  readonly path: (key: string) => string;
}

/** What a remote host does for an action: a plan, or why there is none. */
export type Planner = (context: PlanContext) => Plan | { readonly failure: string };

/** What is known of an action before it is planned. What it wants is the same on every machine. */
export interface RemoteAction {
  /** Whether it does no harm when it runs again after an end that nobody saw. */
  readonly repeatable?: true;
}

/** The actions that run a program on the remote host. */
export const commandActions: Readonly<Record<string, RemoteAction>> = {
  git_status: { repeatable: true },
  git_init: {},
  git_add_all: {},
  git_commit: {},
  git_push: {},
  gh_create_repo: {},
  run_tests: {},
  lint_project: {},
  build_project: {},
  install_dependencies: {},
  docker_build: {},
  docker_compose_up: {},
  open_in_vscode: {},
  close_app: {},
};

/** The actions on files: they need no program. */
export const fileActions: Readonly<Record<string, RemoteAction>> = {
  file_read: { repeatable: true },
  file_write: { repeatable: true },
  list_directory: { repeatable: true },
  create_directory: { repeatable: true },
};

/** The actions that need nothing of the host: the gateway carries them out itself. */
export const gatewayActions: Readonly<Record<string, RemoteAction>> = {
  web_search: { repeatable: true },
};

/** One plan of several, by the value of a parameter. */
export function oneOf(key: string, fallback: string, what: string, plans: Record<string, string[]>): Planner {
  return ({ params }) => {
    const chosen = textParam(params, key, fallback);
    const argv = Object.hasOwn(plans, chosen) ? plans[chosen] : undefined;
    return argv === undefined ? { failure: `Unknown ${what}: ${chosen}` } : { commands: [argv] };
  };
}

/** The same commands whatever the parameters are. */
export const fixed =
  (...commands: string[][]): Planner =>
  () => ({ commands });

/** A repository on GitHub for the working directory, with what has been committed there. */
export function planRepository({ params }: PlanContext): Plan {
  const description = textParam(params, 'description');
  return {
    commands: [
      [
        ...['gh', 'repo', 'create', textParam(params, 'repo_name')],
        params['private'] === true ? '--private' : '--public',
        ...['--source=.', '--remote=origin', '--push'],
        ...(description === '' ? [] : [`--description=${description}`]),
      ],
    ],
  };
}

/** What is the same on every system. */
export const sharedPlanners: Readonly<Record<string, Planner>> = {
  git_status: fixed(['git', 'status', '--porcelain']),
  git_init: fixed(['git', 'init', '--initial-branch', 'main']),
  git_add_all: fixed(['git', 'add', '--all']),
  git_commit: ({ params }) => ({
    commands: [
      ['git', 'add', '-u'],
      ['git', 'commit', '--file=-'],
    ],
    input: textParam(params, 'message'),
  }),
  git_push: ({ params }) => ({
    commands: [
      ['git', 'push', '--', textParam(params, 'remote', 'origin'), textParam(params, 'branch', 'main')],
    ],
  }),
  docker_build: ({ params }) => ({
    commands: [['docker', 'build', `--tag=${textParam(params, 'tag', 'chathan-build:latest')}`, '.']],
  }),
  docker_compose_up: fixed(['docker', 'compose', 'up', '--detach']),
  open_in_vscode: ({ path }) => ({ commands: [['code', path('path')]] }),
  gh_create_repo: planRepository,
};
