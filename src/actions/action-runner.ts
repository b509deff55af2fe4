import { stat } from 'node:fs/promises';
import { actionRules, blockedActions, limitSecondsOf } from '../contracts/actions.js';
import { type ActionResult } from '../contracts/gateway-api.js';
import { type Answer, type Execution } from './execution.js';
import { type MachineAction, machineActions } from './machine-actions.js';
import { childEnvironment } from './child-environment.js';
import { cutText } from './cut-text.js';
import { KeyedLock } from './keyed-lock.js';
import { LifeLine } from './life-line.js';
import { type Params, pathParams, refusalOfParams, refusalOfWanted } from './parameters.js';
import { judgePath, realRoots, repositoryOf } from './path-jail.js';
import { runProcess } from './run-process.js';

const MAX_STDOUT = 8_192;
const MAX_STDERR = 4_096;

/** The path parameters of a request, resolved through links; or the first that leads out of the roots. */
type Paths =
  | { readonly ok: true; readonly paths: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly error: string };

export interface ActionRunnerOptions {
  /** Folders that actions may touch; without any nothing can be carried out. */
  readonly roots: readonly string[];
  /** Where the little comes from that the programs of an action may see of the environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asks a person about an action that wants confirmation and has none. Absent: nobody is there to be asked. */
  readonly confirm?: (execution: Execution) => Promise<boolean>;
}

/** Carries actions out on this machine, inside of the allowed roots. */
export class ActionRunner {
  private readonly roots: readonly string[];
  private readonly env: Readonly<Record<string, string | undefined>>;
  private readonly confirm: ActionRunnerOptions['confirm'];
  private readonly locks = new KeyedLock();
  private readonly lifeLine = new LifeLine();

  constructor({ roots, env, confirm }: ActionRunnerOptions) {
    this.roots = roots;
    this.env = env;
    this.confirm = confirm;
  }

  /** The names of what it can carry out, in their order. */
  get capabilities(): readonly string[] {
    return this.roots.length === 0 ? [] : Object.keys(machineActions).sort();
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
    if (blockedActions.has(action)) return `Action '${action}' is explicitly blocked.`;
    const rule = Object.hasOwn(actionRules, action) ? actionRules[action] : undefined;
    if (rule === undefined) return `Action '${action}' is implicitly blocked.`;
    const known = machineAction(action);
    const ofParams =
      refusalOfParams(params) ??
      (known === undefined ? null : (refusalOfWanted(params, known) ?? known.refusalOf?.(params) ?? null));
    if (ofParams !== null) return ofParams;
    const judged = await this.judge(params);
    if (!judged.ok) return judged.error;
    if (rule.tier !== 'confirm' || confirmed) return null;
    if (this.confirm === undefined) return 'Confirmation required.';
    return (await this.confirm(execution)) ? null : 'Operator denied the action.';
  }

  /**
   * Runs to the end or until `signal`, whichever is first, and never rejects. An abort kills everything that the action
   * has started; the signal's reason is a `HaltReason`.
   */
  async run({ action, params }: Execution, signal: AbortSignal): Promise<Answer> {
    const known = machineAction(action);
    if (known === undefined) {
      return executed(failure(`Action '${action}' is not supported on this machine.`));
    }
    return this.locks.run(await this.resourceOf(params), async () => {
      if (signal.aborted) return { kind: 'halted' };
      // Links may have changed while the action waited for its turn.
      const judged = await this.judge(params);
      if (!judged.ok) return { kind: 'refused', error: judged.error };
      return executed(await this.carryOut(action, known, params, judged.paths, signal));
    });
  }

  private async carryOut(
    action: string,
    known: MachineAction,
    params: Params,
    paths: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<ActionResult> {
    const limitSeconds = limitSecondsOf(action, params);
    const deadlineMs = performance.now() + limitSeconds * 1_000;
    const cwd = paths.get('working_dir') ?? '';
    if (cwd !== '' && !(await isFolder(cwd))) return failure(`Not a folder: ${cwd}`);
    const env = childEnvironment(this.env, await realRoots(this.roots));
    try {
      const result = await known.execute({
        params,
        path: (key) => paths.get(key) ?? '',
        run: (program, ...args) =>
          runProcess(program, args, { cwd, env, deadlineMs, limitSeconds, signal, lifeLine: this.lifeLine }),
      });
      return known.uncut === true ? result : { ...result, stdout: cutText(result.stdout, MAX_STDOUT) };
    } catch (error) {
      return failure(error instanceof Error ? error.message : String(error));
    }
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

  /**
   * What an action must have for itself: two commands in one repository fight over its index, whichever of its folders
   * they stand in. Files are replaced whole and need no turn.
   */
  private async resourceOf(params: Params): Promise<string | undefined> {
    const folder = params['working_dir'];
    if (typeof folder !== 'string') return undefined;
    const judged = await judgePath(folder, this.roots);
    return judged.ok ? repositoryOf(judged.path, this.roots) : undefined;
  }
}

function machineAction(action: string): MachineAction | undefined {
  return Object.hasOwn(machineActions, action) ? machineActions[action] : undefined;
}

const executed = (result: ActionResult): Answer => ({ kind: 'executed', result });

const failure = (text: string): ActionResult => ({
  returncode: 1,
  stdout: '',
  stderr: cutText(text, MAX_STDERR),
});

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
