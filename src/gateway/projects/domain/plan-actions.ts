/** A parameter of a planned action: what it may be, and what it is when the plan does not say. */
export type ParamRule =
  | {
      readonly kind: 'text';
      readonly maxLength: number;
      readonly mayBeEmpty?: true;
      readonly default?: string;
    }
  | { readonly kind: 'path'; readonly isFolder?: true; readonly default?: string }
  | { readonly kind: 'choice'; readonly of: readonly string[]; readonly default?: string }
  | { readonly kind: 'number'; readonly min: number; readonly max: number; readonly default?: number };

export const testRunners = ['pytest', 'npm', 'node'] as const;
export type TestRunner = (typeof testRunners)[number];

/** Beneath the project's folder; `.` is the folder itself. */
const FOLDER = { kind: 'path', isFolder: true, default: '.' } as const;
const MESSAGE = { kind: 'text', maxLength: 2_000 } as const;
const WORD = { kind: 'text', maxLength: 200 } as const;

/**
 * What a plan may ask for, and with which parameters. A parameter without a default is required, unless it is a number.
 * Whatever is not listed here is refused, before it reaches a gateway, which would judge it again.
 */
export const planActions = {
  run_coding_agent: {
    prompt: { kind: 'text', maxLength: 20_000 },
    agent: { kind: 'choice', of: ['codex', 'claude', 'cline'], default: 'codex' },
    working_dir: FOLDER,
    timeout_seconds: { kind: 'number', min: 30, max: 3_600 },
  },
  file_write: {
    file: { kind: 'path' },
    content: { kind: 'text', maxLength: 262_144, mayBeEmpty: true },
  },
  create_directory: { directory: { kind: 'path', isFolder: true } },
  run_tests: { working_dir: FOLDER, runner: { kind: 'choice', of: testRunners, default: 'pytest' } },
  lint_project: { working_dir: FOLDER, linter: { kind: 'choice', of: ['ruff', 'eslint'], default: 'ruff' } },
  build_project: {
    working_dir: FOLDER,
    build_tool: { kind: 'choice', of: ['npm', 'python'], default: 'npm' },
  },
  install_dependencies: {
    working_dir: FOLDER,
    manager: { kind: 'choice', of: ['pip', 'npm'], default: 'npm' },
  },
  git_add_all: { working_dir: FOLDER },
  git_commit: { working_dir: FOLDER, message: MESSAGE },
  git_push: {
    working_dir: FOLDER,
    remote: { ...WORD, default: 'origin' },
    branch: { ...WORD, default: 'main' },
  },
} as const satisfies Record<string, Readonly<Record<string, ParamRule>>>;

export type PlanAction = keyof typeof planActions;

export function isPlanAction(name: string): name is PlanAction {
  return Object.hasOwn(planActions, name);
}

export function paramRules(action: PlanAction): Readonly<Record<string, ParamRule>> {
  return planActions[action];
}

/** What leaves the machine, and is therefore planned only where that has been allowed. */
export const outwardActions: ReadonlySet<PlanAction> = new Set(['git_push']);
