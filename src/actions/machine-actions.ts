import { type ActionResult } from '../contracts/gateway-api.js';
import {
  createDirectoryAction,
  listDirectoryAction,
  readFileAction,
  refusalOfContent,
  writeFileAction,
} from './file-actions.js';
import { type Params, textParam, type Wanted } from './parameters.js';

/** What an action works with when it runs. */
export interface ActionContext {
  readonly params: Params;
  /** A path parameter, resolved through links and known to be allowed. */
  readonly path: (key: string) => string;
  /** Runs a program in the working directory, within what is left of the action's time. */
  readonly run: (program: string, ...args: string[]) => Promise<ActionResult>;
}

/** An action that this machine can carry out. */
export interface MachineAction extends Wanted {
  /** Whether it does no harm when it runs again after an end that nobody saw. */
  readonly repeatable?: true;
  /** Has a limit of its own instead of that of a command's output. */
  readonly uncut?: true;
  /** What speaks against it beyond the rules for all parameters. */
  readonly refusalOf?: (params: Params) => string | null;
  readonly execute: (context: ActionContext) => Promise<ActionResult>;
}

const git = (...args: string[]): MachineAction => ({
  required: ['working_dir'],
  execute: ({ run }) => run('git', ...args),
});

export const machineActions: Readonly<Record<string, MachineAction>> = {
  file_write: {
    required: ['file', 'content'],
    repeatable: true,
    refusalOf: (params) => refusalOfContent(textParam(params, 'content')),
    execute: ({ path, params }) => writeFileAction(path('file'), textParam(params, 'content')),
  },
  file_read: {
    required: ['file'],
    repeatable: true,
    uncut: true,
    execute: ({ path }) => readFileAction(path('file')),
  },
  create_directory: {
    required: ['directory'],
    repeatable: true,
    execute: ({ path }) => createDirectoryAction(path('directory')),
  },
  list_directory: {
    required: ['directory'],
    repeatable: true,
    execute: ({ path, params }) => listDirectoryAction(path('directory'), params['recursive'] === true),
  },
  git_status: { ...git('status', '--porcelain'), repeatable: true },
  git_init: git('init', '--initial-branch', 'main'),
  git_add_all: git('add', '--all'),
  git_commit: {
    required: ['working_dir', 'message'],
    execute: async ({ run, params }) => {
      const added = await run('git', 'add', '-u');
      return added.returncode === 0
        ? run('git', 'commit', `--message=${textParam(params, 'message')}`)
        : added;
    },
  },
  git_push: {
    required: ['working_dir'],
    optional: ['remote', 'branch'],
    execute: ({ run, params }) =>
      run('git', 'push', '--', textParam(params, 'remote', 'origin'), textParam(params, 'branch', 'main')),
  },
  run_tests: {
    required: ['working_dir'],
    optional: ['runner'],
    execute: ({ run, params }) => {
      const runner = textParam(params, 'runner', 'pytest');
      switch (runner) {
        case 'pytest':
          return run('python3', '-m', 'pytest');
        case 'npm':
          return run('npm', 'test');
        case 'node':
          return run(process.execPath, '--test');
        default:
          return Promise.resolve({ returncode: 1, stdout: '', stderr: `Unknown runner: ${runner}` });
      }
    },
  },
};
