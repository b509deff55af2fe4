import { actionRules, blockedActions, limitSecondsOf } from '../../../contracts/actions.js';
import { type ActionResult } from '../../../contracts/gateway-api.js';
import { productVersion } from '../../../platform/product-version.js';
import { type Answer, type Execution, type Executor, type Session } from '../executor.js';
import {
  createDirectoryAction,
  listDirectoryAction,
  readFileAction,
  writeFileAction,
} from './file-actions.js';
import { KeyedLock } from './keyed-lock.js';
import {
  ActionError,
  optionalText,
  type Params,
  pathParams,
  refusalOfParams,
  requiredText,
} from './parameters.js';
import { judgePath } from './path-jail.js';
import { runProcess } from './run-process.js';

const MAX_STDOUT = 8_192;
/** file_read shows more than a command's output: its own limit applies. */
const UNCUT = new Set(['file_read']);
const REPEATABLE = new Set(['file_read', 'list_directory', 'git_status', 'file_write', 'create_directory']);

interface Context {
  readonly params: Params;
  /** The path parameters, resolved through links and known to be allowed. */
  readonly path: (key: string) => string;
  readonly run: (program: string, args: readonly string[], cwd: string) => Promise<ActionResult>;
}

type Handler = (context: Context) => Promise<ActionResult>;

const git =
  (...args: string[]): Handler =>
  ({ run, path }) =>
    run('git', args, path('working_dir'));

const handlers: Readonly<Record<string, Handler>> = {
  file_write: ({ path, params }) => writeFileAction(path('file'), params),
  file_read: ({ path }) => readFileAction(path('file')),
  create_directory: ({ path }) => createDirectoryAction(path('directory')),
  list_directory: ({ path, params }) => listDirectoryAction(path('directory'), params),
  git_status: git('status', '--porcelain'),
  git_init: git('init', '--initial-branch', 'main'),
  git_add_all: git('add', '--all'),
  git_commit: async ({ run, path, params }) => {
    const cwd = path('working_dir');
    const message = requiredText(params, 'message');
    const added = await run('git', ['add', '-u'], cwd);
    return added.returncode === 0 ? run('git', ['commit', `--message=${message}`], cwd) : added;
  },
  git_push: ({ run, path, params }) =>
    run(
      'git',
      ['push', '--', optionalText(params, 'remote', 'origin'), optionalText(params, 'branch', 'main')],
      path('working_dir'),
    ),
  run_tests: ({ run, path, params }) => {
    const cwd = path('working_dir');
    const runner = optionalText(params, 'runner', 'pytest');
    switch (runner) {
      case 'pytest':
        return run('python3', ['-m', 'pytest'], cwd);
      case 'npm':
        return run('npm', ['test'], cwd);
      case 'node':
        return run(process.execPath, ['--test'], cwd);
      default:
        return Promise.resolve({ returncode: 1, stdout: '', stderr: `Unknown runner: ${runner}` });
    }
  },
};

/** Executes actions on this machine, inside of the allowed roots. */
export class LocalExecutor implements Executor {
  readonly name = 'local';
  private readonly startedAt = new Date();
  private readonly locks = new KeyedLock();

  constructor(
    private readonly roots: readonly string[],
    private readonly env: Readonly<Record<string, string | undefined>>,
  ) {}

  isReady(): boolean {
    return this.roots.length > 0;
  }

  isRepeatable(action: string): boolean {
    return REPEATABLE.has(action);
  }

  sessions(): readonly Session[] {
    if (!this.isReady()) return [];
    return [
      {
        sessionId: this.name,
        agentVersion: productVersion,
        capabilities: Object.keys(handlers).sort(),
        connectedAt: this.startedAt,
        lastSeen: new Date(),
      },
    ];
  }

  async run({ action, params, confirmed }: Execution, signal: AbortSignal): Promise<Answer> {
    const refused = (error: string): Answer => ({ kind: 'refused', error });
    const rule = Object.hasOwn(actionRules, action) ? actionRules[action] : undefined;
    if (blockedActions.has(action)) return refused(`Action '${action}' is explicitly blocked.`);
    if (rule === undefined) return refused(`Action '${action}' is implicitly blocked.`);
    const refusal = refusalOfParams(params);
    if (refusal !== null) return refused(refusal);
    const paths = new Map<string, string>();
    for (const [key, raw] of pathParams(params)) {
      const judged = await judgePath(raw, this.roots);
      if (!judged.ok)
        return refused(`Path '${raw}' (resolved: '${judged.resolved}') is outside allowed roots.`);
      paths.set(key, judged.path);
    }
    if (rule.tier === 'confirm' && !confirmed) return refused('Confirmation required.');
    const handler = Object.hasOwn(handlers, action) ? handlers[action] : undefined;
    if (handler === undefined) {
      return executed({
        returncode: 1,
        stdout: '',
        stderr: `Action '${action}' is not supported by the local executor.`,
      });
    }
    const limitSeconds = limitSecondsOf(action, params);
    // Two git commands in one repository fight over its index; different repositories, and files, do not.
    const resource = paths.get('working_dir');
    return this.locks.run(resource, async () => {
      try {
        const result = await handler({
          params,
          path: (key) => {
            requiredText(params, key);
            return paths.get(key) ?? '';
          },
          run: (program, args, cwd) =>
            runProcess(program, args, { cwd, limitSeconds, signal, env: this.env }),
        });
        return executed(
          UNCUT.has(action) ? result : { ...result, stdout: result.stdout.slice(0, MAX_STDOUT) },
        );
      } catch (error) {
        if (error instanceof ActionError) return refused(error.message);
        return executed({
          returncode: 1,
          stdout: '',
          stderr: error instanceof Error ? error.message : String(error),
        });
      }
    });
  }
}

function executed(result: ActionResult): Answer {
  return { kind: 'executed', result };
}
