import { type ActionResult, type LeasedFile } from '../contracts/gateway-api.js';
import { type ActionsConfig } from './actions.config.js';
import { type WrittenPaths } from './lease/written-paths.js';
import { type Params, type ParamRules } from './parameters.js';
import { type Keep } from './processes/kept-output.js';
import { type DevServers } from './servers/dev-servers.js';

/** How a program is run that is not run as all others are. */
export interface RunOptions {
  /** Where it stands; absent: in the working directory. */
  readonly cwd?: string;
  /** What it sees of the environment beyond what all programs see. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from its standard input. */
  readonly input?: string;
  readonly keep?: Keep;
  /** A time limit of its own instead of what is left of the action's. */
  readonly limitSeconds?: number;
}

/** Runs a program without a shell. Never rejects. */
export type Run = (program: string, args: readonly string[], options?: RunOptions) => Promise<ActionResult>;

/** What an action works with when it runs. */
export interface ActionContext {
  readonly params: Params;
  /** A path parameter, resolved through links and known to be allowed. */
  readonly path: (key: string) => string;
  /** Where its programs stand: its working directory, or the first allowed folder. */
  readonly cwd: string;
  readonly run: Run;
  /** What the task has leased; undefined when there is nothing to compare with. */
  readonly files: readonly LeasedFile[] | undefined;
  readonly config: ActionsConfig;
  /** What programs see of the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What coding agents see of it beyond that. */
  readonly agentEnv: Readonly<Record<string, string>>;
  /** Fires when the action has to end before its time; the reason is a `HaltReason`. */
  readonly signal: AbortSignal;
  /** When its time is over, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
  readonly limitSeconds: number;
  readonly servers: DevServers;
  /** What actions write beside those that somebody looks at. */
  readonly written: WrittenPaths;
}

/** What two actions must not use at the same time. */
export type Resource = 'repository' | 'folder server' | 'port' | 'GPU';

/** An action that this machine can carry out. */
export interface MachineAction {
  readonly params: ParamRules;
  /** What it must have for itself; absent: the repository, when it has a working directory. */
  readonly holds?: readonly Resource[];
  /** Whether it does no harm when it runs again after an end that nobody saw. */
  readonly repeatable?: true;
  /** Has a limit of its own instead of that of a command's output. */
  readonly uncut?: true;
  /** What speaks against it beyond the rules for its parameters. */
  readonly refusalOf?: (params: Params) => string | null;
  /** May reject: the message is then what the result says. */
  readonly execute: (context: ActionContext) => Promise<ActionResult>;
}

export type MachineActions = Readonly<Record<string, MachineAction>>;
