import { homedir } from 'node:os';
import { type Env } from '../../platform/config/env.js';
import { below } from './domain/directory.js';

export interface ProjectsConfig {
  /** The folder in which projects get theirs. */
  readonly baseDir: string;
  readonly bootstrap: {
    readonly enabled: boolean;
    /** A project whose folder cannot be made is not made either. */
    readonly strict: boolean;
    readonly github: boolean;
    readonly githubPrivate: boolean;
  };
  readonly autoStart: {
    readonly enabled: boolean;
    readonly minIdeas: number;
  };
  /** Whether what leaves the machine (`git_push`, `gh_create_repo`) needs nobody's word. */
  readonly approvesGit: boolean;
  /** How long the question for it is open over Telegram otherwise; after that the answer is no. */
  readonly gitApprovalMs: number;
  readonly controlPlane: {
    readonly url: string;
    readonly apiKey: string | undefined;
  };
  /** So many projects run at once; further ones queue. */
  readonly maxRunning: number;
  /** The longest pause between two looks at the tasks of a project that runs, and the shortest. */
  readonly lookEveryMs: number;
  readonly lookGapMs: number;
  readonly maxStreams: number;
}

const WINDOWS_BASE = 'E:\\MyProjects';

/** Reads the settings of projects. Without a base folder it is the first of the `roots` that actions may touch. */
export function projectsConfig(
  env: Env,
  roots: readonly string[],
  platform: NodeJS.Platform = process.platform,
): ProjectsConfig {
  const base = platform === 'win32' ? WINDOWS_BASE : (roots[0] ?? below(homedir(), 'MyProjects'));
  return Object.freeze({
    baseDir: env.isSet('SKYNET_PROJECT_BASE_DIR') ? env.text('SKYNET_PROJECT_BASE_DIR') : base,
    bootstrap: {
      enabled: env.flag('AUTO_BOOTSTRAP_PROJECT'),
      strict: env.flag('AUTO_BOOTSTRAP_STRICT'),
      github: env.flag('AUTO_CREATE_GITHUB_REPO'),
      githubPrivate: env.flag('AUTO_CREATE_GITHUB_PRIVATE'),
    },
    autoStart: {
      enabled: env.flag('AUTO_APPROVE_AND_START'),
      minIdeas: env.integer('AUTO_PLAN_MIN_IDEAS', { min: 0, max: 500 }),
    },
    approvesGit: env.flag('AUTO_APPROVE_GIT_ACTIONS'),
    gitApprovalMs: 300_000,
    controlPlane: {
      url: env.text('SKYNET_ORCHESTRATOR_URL').replace(/\/+$/, ''),
      apiKey: env.isSet('SKYNET_API_KEY') ? env.text('SKYNET_API_KEY') : undefined,
    },
    maxRunning: 3,
    lookEveryMs: 15_000,
    // Three projects at this pace stay below the control plane's rate limit of 120 requests a minute.
    lookGapMs: 2_000,
    maxStreams: 100,
  });
}
