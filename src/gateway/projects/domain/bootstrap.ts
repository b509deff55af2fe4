/**
 * How far the folder of a project is. `deferred`: nobody was there to execute actions, and it goes on when somebody is.
 * `failed`: a step failed; the project goes on without it.
 */
export type BootstrapState = 'off' | 'pending' | 'deferred' | 'done' | 'failed';

export type BootstrapStepName = 'directory' | 'readme' | 'git_init' | 'git_add' | 'git_commit' | 'github';

/** A step that has ended. `warning`: it did not work, and nothing depends on it. */
export interface BootstrapStep {
  readonly name: BootstrapStepName;
  readonly outcome: 'ok' | 'failed' | 'warning';
  /** Where the repository is, or why it did not work. */
  readonly detail: string;
}

export interface BootstrapAction {
  readonly name: BootstrapStepName;
  readonly action: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface BootstrapWish {
  readonly slug: string;
  readonly name: string;
  readonly description: string;
  readonly directory: string;
  readonly readmePath: string;
  readonly github: boolean;
  readonly githubPrivate: boolean;
}

/** All steps in their order. */
export function bootstrapActions(wish: BootstrapWish): readonly BootstrapAction[] {
  const folder = { working_dir: wish.directory };
  const about = wish.description === '' ? '' : `\n${wish.description}\n`;
  return [
    { name: 'directory', action: 'create_directory', params: { directory: wish.directory } },
    {
      name: 'readme',
      action: 'file_write',
      params: { file: wish.readmePath, content: `# ${wish.name}\n${about}` },
    },
    { name: 'git_init', action: 'git_init', params: folder },
    { name: 'git_add', action: 'git_add_all', params: folder },
    {
      name: 'git_commit',
      action: 'git_commit',
      params: { ...folder, message: 'chore: initialize project scaffold' },
    },
    ...(wish.github
      ? ([
          {
            name: 'github',
            action: 'gh_create_repo',
            params: {
              ...folder,
              repo_name: wish.slug,
              description: wish.description,
              private: wish.githubPrivate,
            },
          },
        ] as const)
      : []),
  ];
}

/** `directory: ok; readme: ok; …; github: ok (https://…)`. */
export function bootstrapSummary(steps: readonly BootstrapStep[]): string {
  return steps
    .map(({ name, outcome, detail }) => `${name}: ${outcome}${detail === '' ? '' : ` (${detail})`}`)
    .join('; ');
}

/** What an answer of the gateway says about a step. */
export type StepVerdict =
  | { readonly kind: 'ended'; readonly step: BootstrapStep }
  /** It may have run: it is to be tried under another key, since this one is used up. */
  | { readonly kind: 'interrupted' }
  /** Nobody could execute it now. */
  | { readonly kind: 'deferred'; readonly why: string };

export interface StepAnswer {
  readonly httpStatus: number;
  readonly status?: string;
  readonly error?: string;
  readonly returncode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

const INTERRUPTED =
  /^The gateway stopped while this action ran|^Process was killed by the (?:shutdown|emergency stop)\.$/;
/** Nobody there, or no answer in time: the same key finds out later. */
const AWAY = new Set([503, 504]);
const NOT_NOW = /^Emergency stop is active|^Rate limit exceeded|^Agent disconnected\./;

/** Judges an answer. What is not final says so: the step goes on under another key, or at another time. */
export function judgeStep(name: BootstrapStepName, answer: StepAnswer): StepVerdict {
  const { httpStatus, status, error = '', returncode, stdout = '', stderr = '' } = answer;
  const ended = (outcome: BootstrapStep['outcome'], detail: string): StepVerdict => ({
    kind: 'ended',
    step: { name, outcome, detail: oneLine(detail) },
  });
  const failed = (why: string) => ended(name === 'github' ? 'warning' : 'failed', why);
  if (AWAY.has(httpStatus) || NOT_NOW.test(error)) return { kind: 'deferred', why: oneLine(error) };
  if (status !== 'success') {
    if (!INTERRUPTED.test(error)) return failed(error);
    // A repository that may be there is not made again.
    return name === 'github' ? failed(error) : { kind: 'interrupted' };
  }
  if (returncode === 0) return ended('ok', name === 'github' ? urlIn(stdout) : '');
  if (INTERRUPTED.test(stderr) && name !== 'github') return { kind: 'interrupted' };
  // All is committed already: by an attempt that nobody has heard of, or by an earlier project of this name.
  if (name === 'git_commit' && stdout.includes('nothing to commit')) return ended('ok', '');
  return failed(stderr.trim() === '' ? stdout : stderr);
}

function urlIn(text: string): string {
  return /https?:\/\/\S+/.exec(text)?.[0] ?? '';
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ').slice(0, 300);
}
