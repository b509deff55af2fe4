import {
  type Execution,
  type Keep,
  type LeaseViolationPolicy,
  type Params,
  pathParams,
  type Run,
  WrittenPaths,
} from '../../../actions/index.js';
import { type ActionResult } from '../../../contracts/gateway-api.js';
import { type SshSession } from '../connection/session.js';
import { TransportError } from '../connection/transport-error.js';
import { Aborted, untilAborted } from '../../../platform/until-aborted.js';
import { readTraceContext, traceEnvironment } from '../../../platform/tracing/domain/trace-context.js';
import { linuxPlanners } from '../domain/linux-actions.js';
import {
  commandActions,
  fileActions,
  gatewayActions,
  type Plan,
  type Planner,
  type RemoteAction,
} from '../domain/remote-actions.js';
import { type PathFlavour, posixPaths, windowsPaths } from '../domain/remote-path.js';
import { windowsPlanners } from '../domain/windows-actions.js';
import { type RemoteOs, type SshTarget } from '../ssh.config.js';
import { configureCline } from './cline-settings.js';
import { checkCodingAgents, runRemoteAgent } from './coding-agents.js';
import { type HostShell, hostShells, type PreparedFor } from './host-shell.js';
import { isMissing, isOfHost, RemoteFiles } from './remote-files.js';
import { remoteFileActions } from './remote-file-actions.js';
import { type RemoteJail, remoteJail } from './remote-jail.js';
import { failure, runCommand } from './run-command.js';
import { type Limits, withinLimit } from './time-limit.js';

interface HostSystem {
  readonly flavour: PathFlavour;
  readonly planners: Readonly<Record<string, Planner>>;
  readonly shell: HostShell;
}

const SYSTEMS: Readonly<Record<RemoteOs, HostSystem>> = {
  linux: { flavour: posixPaths, planners: linuxPlanners, shell: hostShells.linux },
  windows: { flavour: windowsPaths, planners: windowsPlanners, shell: hostShells.windows },
};

/** What a host behind SSH can carry out. */
export const remoteActions: Readonly<Record<string, RemoteAction>> = {
  ...commandActions,
  ...fileActions,
  ...gatewayActions,
  configure_coding_agent: {},
  run_coding_agent: {},
  check_coding_agents: { repeatable: true },
};

/** The path parameters of a request where they really lead; or why one of them is refused. */
type Paths =
  | { readonly ok: true; readonly path: (key: string) => string; readonly jail: RemoteJail }
  | { readonly ok: false; readonly error: string };

/** What is put in order after an agent must be possible after its time, too; a dead connection breaks by itself. */
const NEVER = new AbortController().signal;

/** Where an action stands: its connection, its bounds, and whether it may have changed something. */
export interface Visit {
  readonly session: SshSession;
  readonly limits: Limits;
  begun: boolean;
}

/** The host as an action sees it. Every call rejects with a `TransportError` when the way breaks. */
export class RemoteHost {
  private readonly system: HostSystem;
  private readonly written = new WrittenPaths();

  constructor(
    private readonly target: SshTarget,
    private readonly leaseViolationPolicy: LeaseViolationPolicy,
  ) {
    this.system = SYSTEMS[target.os];
  }

  /** Why a path of a request may not be used; null when all may. */
  async refusalOfPaths(visit: Visit, params: Params): Promise<string | null> {
    const judged = await this.judge(await this.filesOf(visit), params);
    return judged.ok ? null : judged.error;
  }

  /**
   * What an action must have for itself: the repository of its working directory, since two commands in one fight over
   * its index. Files are replaced whole and need no turn.
   */
  async resourceOf(visit: Visit, params: Params): Promise<string | undefined> {
    if (typeof params['working_dir'] !== 'string') return undefined;
    const files = await this.filesOf(visit);
    const judged = await this.judge(files, params);
    if (!judged.ok) return undefined;
    return repositoryOf(files, this.system.flavour, judged.path('working_dir'), judged.jail.roots);
  }

  /** Carries an action out, after a last look at its paths: text is why it is refused. */
  async carryOut(
    visit: Visit,
    { action, params, files: leased, ...trace }: Execution,
  ): Promise<ActionResult | string> {
    const files = await this.filesOf(visit);
    const judged = await this.judge(files, params);
    if (!judged.ok) return judged.error;
    const { path, jail } = judged;
    const { flavour, planners } = this.system;

    const onFiles = Object.hasOwn(remoteFileActions, action) ? remoteFileActions[action] : undefined;
    if (onFiles !== undefined) {
      visit.begun = true;
      for (const key of ['file', 'directory']) this.written.note(path(key));
      return onFiles({ files, flavour, params, path });
    }
    if (action === 'configure_coding_agent') {
      visit.begun = true;
      return configureCline({ params, files, flavour, home: jail.home });
    }
    const named = path('working_dir');
    const folder = named === '' ? jail.roots[0] : named;
    if (folder === undefined) return failure('None of OPENCLAW_SSH_ALLOWED_ROOTS is there.');
    if (!(await isFolder(files, flavour.toWire(folder)))) return failure(`Not a folder: ${folder}`);

    const at = { folder, roots: jail.roots, env: traceEnvironment(readTraceContext(trace)) };
    if (action === 'run_coding_agent') {
      const { target, leaseViolationPolicy: policy, written } = this;
      return runRemoteAgent({
        ...{ target, params, leased, policy, written, folder, home: jail.home, flavour },
        files: await this.filesOf(visit, NEVER),
        run: this.runOn(visit, at),
        fitsEnvironment: this.system.shell.fitsEnvironment,
        limits: visit.limits,
      });
    }
    const perform = (plan: Plan) => {
      visit.begun = true;
      return this.perform(visit, plan, { ...at, ...visit.limits });
    };
    if (action === 'check_coding_agents') {
      return checkCodingAgents(this.target.agents, (commands) => perform({ commands }));
    }
    const plan = planners[action]?.({ params, path });
    if (plan === undefined) return failure(`Action '${action}' is not supported in SSH tunnel mode.`);
    return 'failure' in plan ? failure(plan.failure) : perform(plan);
  }

  /** Runs programs for an action. One with a limit of its own only looks: what it is broken off at has not begun. */
  private runOn(visit: Visit, at: Omit<PreparedFor, 'limitSeconds'>): Run {
    return (program, args, { cwd = at.folder, limitSeconds, keep, ...more } = {}) => {
      const plan = { commands: [[program, ...args]], ...more };
      const perform = (limits: Limits) => this.perform(visit, plan, { ...at, folder: cwd, ...limits }, keep);
      if (limitSeconds !== undefined) return withinLimit(visit.limits.halt, limitSeconds, perform);
      visit.begun = true;
      return perform(visit.limits);
    };
  }

  private perform(
    { session }: Visit,
    plan: Plan,
    run: PreparedFor & Limits,
    keep?: Keep,
  ): Promise<ActionResult> {
    const { shell } = this.system;
    return runCommand(session, shell, shell.prepare(plan, run), run, keep);
  }

  private async filesOf(visit: Visit, signal = visit.limits.signal): Promise<RemoteFiles> {
    const channel = await untilAborted(visit.session.files(), visit.limits.signal).catch((error: unknown) => {
      throw error instanceof Aborted ? error : TransportError.of(error);
    });
    return new RemoteFiles(channel, signal, () => visit.begun);
  }

  private async judge(files: RemoteFiles, params: Params): Promise<Paths> {
    const jail = await remoteJail(files, this.system.flavour, this.target.roots);
    const paths = new Map<string, string>();
    for (const [key, raw] of pathParams(params)) {
      const path = await jail.resolve(raw);
      if (path === null) return { ok: false, error: `Path '${raw}' is outside OPENCLAW_SSH_ALLOWED_ROOTS.` };
      paths.set(key, path);
    }
    return { ok: true, path: (key) => paths.get(key) ?? '', jail };
  }
}

async function isFolder(files: RemoteFiles, wire: string): Promise<boolean> {
  try {
    return (await files.stat(wire)).isDirectory();
  } catch (error) {
    if (isOfHost(error)) return false;
    throw error;
  }
}

/** The nearest folder upwards with a `.git`, not beyond the roots; the folder itself when there is none. */
async function repositoryOf(
  files: RemoteFiles,
  flavour: PathFlavour,
  folder: string,
  roots: readonly string[],
): Promise<string> {
  const [root = '', ...names] = flavour.split(folder);
  for (let length = names.length; length >= 0; length--) {
    const at = names.slice(0, length).reduce(flavour.join, root);
    if (!roots.some((one) => flavour.isInside(at, one))) break;
    try {
      await files.lstat(flavour.toWire(flavour.join(at, '.git')));
      return at;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return folder;
}
