import { stat } from 'node:fs/promises';
import { actionRules, blockedActions, limitSecondsOf } from '../../../contracts/actions.js';
import { type ActionResult } from '../../../contracts/gateway-api.js';
import { productVersion } from '../../../platform/product-version.js';
import { type Answer, type Execution, type Executor, type Session } from '../executor.js';
import { type LocalAction, localActions } from './actions.js';
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

/** Executes actions on this machine, inside of the allowed roots. */
export class LocalExecutor implements Executor {
  readonly name = 'local';
  private readonly startedAt = new Date();
  private readonly locks = new KeyedLock();
  private readonly lifeLine = new LifeLine();

  /** `env` is where the little comes from that the programs of an action may see of the environment. */
  constructor(
    private readonly roots: readonly string[],
    private readonly env: Readonly<Record<string, string | undefined>>,
  ) {}

  isReady(): boolean {
    return this.roots.length > 0;
  }

  isRepeatable(action: string): boolean {
    return localAction(action)?.repeatable === true;
  }

  sessions(): readonly Session[] {
    if (!this.isReady()) return [];
    return [
      {
        sessionId: this.name,
        agentVersion: productVersion,
        capabilities: Object.keys(localActions).sort(),
        connectedAt: this.startedAt,
        lastSeen: new Date(),
      },
    ];
  }

  /** In the order of the checks: tier, parameters, path jail, confirmation. */
  async refusalOf({ action, params, confirmed }: Execution): Promise<string | null> {
    if (blockedActions.has(action)) return `Action '${action}' is explicitly blocked.`;
    const rule = Object.hasOwn(actionRules, action) ? actionRules[action] : undefined;
    if (rule === undefined) return `Action '${action}' is implicitly blocked.`;
    const known = localAction(action);
    const ofParams =
      refusalOfParams(params) ??
      (known === undefined ? null : (refusalOfWanted(params, known) ?? known.refusalOf?.(params) ?? null));
    if (ofParams !== null) return ofParams;
    const judged = await this.judge(params);
    if (!judged.ok) return judged.error;
    return rule.tier === 'confirm' && !confirmed ? 'Confirmation required.' : null;
  }

  async run({ action, params }: Execution, signal: AbortSignal): Promise<Answer> {
    const known = localAction(action);
    if (known === undefined) {
      return executed(failure(`Action '${action}' is not supported by the local executor.`));
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
    known: LocalAction,
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

function localAction(action: string): LocalAction | undefined {
  return Object.hasOwn(localActions, action) ? localActions[action] : undefined;
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
