import { stat } from 'node:fs/promises';
import { limitSecondsOf } from '../contracts/actions.js';
import { type ActionResult } from '../contracts/gateway-api.js';
import { readTraceContext, traceEnvironment } from '../platform/tracing/domain/trace-context.js';
import { type ActionsConfig, defaultActionsConfig } from './actions.config.js';
import { cutText } from './cut-text.js';
import { type Answer, type Execution } from './execution.js';
import { KeyedLock } from './keyed-lock.js';
import { WrittenPaths } from './lease/written-paths.js';
import { type ActionContext, type MachineAction, type Resource, type Run } from './machine-action.js';
import { machineActions } from './machine-actions.js';
import { type Params, pathParams } from './parameters.js';
import { refusalOfRequest, wantsConfirmation } from './refusal-of-request.js';
import { judgePath, realRoots, repositoryOf } from './path-jail.js';
import { childEnvironment, pickEnvironment } from './processes/child-environment.js';
import { LifeLine } from './processes/life-line.js';
import { runProcess } from './processes/run-process.js';
import { failed, MAX_STDOUT } from './results.js';
import { DevServers } from './servers/dev-servers.js';
import { EndedEarlyError } from './time-limit.js';

/** The path parameters of a request, resolved through links; or the first that leads out of the roots. */
type Paths =
  | { readonly ok: true; readonly paths: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly error: string };

export interface ActionRunnerOptions {
  /** Folders that actions may touch; without any nothing can be carried out. */
  readonly roots: readonly string[];
  /** Where the little comes from that the programs of an action may see of the environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the operator has set; absent: the defaults. */
  readonly config?: ActionsConfig;
  /** Asks a person about an action that wants confirmation and has none. Absent: nobody is there to be asked. */
  readonly confirm?: (execution: Execution) => Promise<boolean>;
}

/** What outlives the actions that started it. Whoever stops actions stops it as well. */
export interface Background {
  readonly count: number;
  /** Kills all of it, and resolves when it has ended. */
  end(): Promise<void>;
}

/** Carries actions out on this machine, inside of the allowed roots. */
export class ActionRunner {
  private readonly roots: readonly string[];
  private readonly env: Readonly<Record<string, string | undefined>>;
  private readonly config: ActionsConfig;
  private readonly confirm: ActionRunnerOptions['confirm'];
  private readonly locks = new KeyedLock();
  private readonly lifeLine = new LifeLine();
  private readonly servers = new DevServers(this.lifeLine);
  private readonly written = new WrittenPaths();

  constructor({ roots, env, config = defaultActionsConfig(), confirm }: ActionRunnerOptions) {
    this.roots = roots;
    this.env = env;
    this.config = config;
    this.confirm = confirm;
  }

  /** The names of what it can carry out, in their order. */
  get capabilities(): readonly string[] {
    return this.roots.length === 0 ? [] : Object.keys(machineActions).sort();
  }

  /** The development servers. They end with this process by themselves. */
  get background(): Background {
    return this.servers;
  }

  /** Whether an action that may have run already can be run again without harm. */
  isRepeatable(action: string): boolean {
    return machineAction(action)?.repeatable === true;
  }

  /**
   * Why an action may not run; null when it may. In the order of the checks: tier, parameters, path jail, confirmation.
   * Nothing has happened yet when it is refused.
   */
  async refusalOf(execution: Execution): Promise<string | null> {
    const { action, params, confirmed } = execution;
    const ofRequest = refusalOfRequest(action, params);
    if (ofRequest !== null) return ofRequest;
    const judged = await this.judge(params);
    if (!judged.ok) return judged.error;
    if (confirmed || !wantsConfirmation(action)) return null;
    if (this.confirm === undefined) return 'Confirmation required.';
    return (await this.confirm(execution)) ? null : 'Operator denied the action.';
  }

  /**
   * Runs to the end or until `signal`, whichever is first, and never rejects. An abort kills everything that the action
   * has started; the signal's reason is a `HaltReason`.
   */
  async run(execution: Execution, signal: AbortSignal): Promise<Answer> {
    const { action, params } = execution;
    const known = machineAction(action);
    if (known === undefined) return executed(failed(`Action '${action}' is not supported on this machine.`));
    return this.locks.run(await this.resourcesOf(known, params), async () => {
      if (signal.aborted) return { kind: 'halted' };
      // Links may have changed while the action waited for its turn.
      const judged = await this.judge(params);
      if (!judged.ok) return { kind: 'refused', error: judged.error };
      return executed(await this.carryOut(known, execution, judged.paths, signal));
    });
  }

  private async carryOut(
    known: MachineAction,
    execution: Execution,
    paths: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<ActionResult> {
    const folder = paths.get('working_dir');
    if (folder !== undefined && !(await isFolder(folder))) return failed(`Not a folder: ${folder}`);
    try {
      const result = await known.execute(await this.contextOf(execution, paths, signal));
      return known.uncut === true ? result : { ...result, stdout: cutText(result.stdout, MAX_STDOUT) };
    } catch (error) {
      const result = failed(error instanceof Error ? error.message : String(error));
      return error instanceof EndedEarlyError ? { ...result, returncode: -1 } : result;
    }
  }

  private async contextOf(
    { action, params, files, ...trace }: Execution,
    paths: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<ActionContext> {
    const roots = await realRoots(this.roots);
    const cwd = paths.get('working_dir') ?? roots[0] ?? '/';
    const env = {
      ...childEnvironment(this.env, roots),
      ...traceEnvironment(readTraceContext(trace)),
    };
    const limitSeconds = limitSecondsOf(action, params);
    const deadlineMs = performance.now() + limitSeconds * 1_000;
    const run: Run = (program, args, options = {}) =>
      runProcess(program, args, {
        cwd: options.cwd ?? cwd,
        env: { ...env, ...options.env },
        ...(options.input === undefined ? {} : { input: options.input }),
        ...(options.keep === undefined ? {} : { keep: options.keep }),
        ...(options.limitSeconds === undefined
          ? { deadlineMs, limitSeconds }
          : {
              deadlineMs: performance.now() + options.limitSeconds * 1_000,
              limitSeconds: options.limitSeconds,
            }),
        signal,
        lifeLine: this.lifeLine,
      });
    return {
      params,
      path: (key) => paths.get(key) ?? '',
      cwd,
      run,
      files,
      config: this.config,
      env,
      agentEnv: pickEnvironment(this.env, this.config.agentEnv),
      signal,
      deadlineMs,
      limitSeconds,
      servers: this.servers,
      written: this.written,
    };
  }

  private async judge(params: Params): Promise<Paths> {
    const paths = new Map<string, string>();
    for (const [key, raw] of pathParams(params)) {
      const judged = await judgePath(raw, this.roots);
      if (!judged.ok) {
        return {
          ok: false,
          error: `Path '${raw}' (resolved: '${judged.resolved}') is outside allowed roots.`,
        };
      }
      paths.set(key, judged.path);
    }
    return { ok: true, paths };
  }

  /** The keys of what an action must have for itself. Files are replaced whole and need no turn. */
  private async resourcesOf(known: MachineAction, params: Params): Promise<string[]> {
    const usual: readonly Resource[] = 'working_dir' in known.params ? ['repository'] : [];
    const keys = await Promise.all((known.holds ?? usual).map((resource) => this.keyOf(resource, params)));
    return keys.filter((key) => key !== undefined);
  }

  private async keyOf(resource: Resource, params: Params): Promise<string | undefined> {
    switch (resource) {
      case 'GPU':
        return resource;
      case 'port':
        return typeof params['port'] === 'number' ? `port ${params['port']}` : undefined;
      case 'repository':
      case 'folder server': {
        const folder = await this.folderOf(params);
        if (folder === undefined) return undefined;
        // Two commands in one repository fight over its index, whichever of its folders they stand in.
        return `${resource} ${resource === 'repository' ? await repositoryOf(folder, this.roots) : folder}`;
      }
    }
  }

  private async folderOf(params: Params): Promise<string | undefined> {
    const folder = params['working_dir'];
    if (typeof folder !== 'string') return (await realRoots(this.roots))[0];
    const judged = await judgePath(folder, this.roots);
    return judged.ok ? judged.path : undefined;
  }
}

function machineAction(action: string): MachineAction | undefined {
  return Object.hasOwn(machineActions, action) ? machineActions[action] : undefined;
}

const executed = (result: ActionResult): Answer => ({ kind: 'executed', result });

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
