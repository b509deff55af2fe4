import { type Variable } from './variable.js';

export const projectVariables = {
  SKYNET_PROJECT_BASE_DIR: {
    group: 'projects',
    about:
      'Folder in which projects get theirs, on the machine that executes actions. Unset: E:\\MyProjects on Windows, elsewhere the first of SKYNET_ALLOWED_ROOTS, or MyProjects in the home folder.',
  },
  AUTO_BOOTSTRAP_PROJECT: {
    group: 'projects',
    about: '0 makes no folder, README and git repository for a new project.',
    default: '1',
  },
  AUTO_BOOTSTRAP_STRICT: {
    group: 'projects',
    about: '1 forgets a new project whose folder cannot be made; otherwise it is kept with a warning.',
    default: '0',
  },
  AUTO_CREATE_GITHUB_REPO: {
    group: 'projects',
    about: '0 makes no GitHub repository for a new project.',
    default: '1',
  },
  AUTO_CREATE_GITHUB_PRIVATE: {
    group: 'projects',
    about: '0 makes that repository public.',
    default: '1',
  },
  AUTO_APPROVE_AND_START: {
    group: 'projects',
    about: '0 lets a project wait until somebody asks for its plan and approves it.',
    default: '1',
  },
  AUTO_PLAN_MIN_IDEAS: {
    group: 'projects',
    about: 'How many ideas make a project plan and start itself; less than 1 means 1.',
    default: '3',
  },
  AUTO_APPROVE_GIT_ACTIONS: {
    group: 'projects',
    about:
      '0 has projects ask over Telegram before anything leaves the machine (git_push, gh_create_repo); without a yes within 300 s it is denied.',
    default: '1',
  },
} as const satisfies Record<string, Variable>;
