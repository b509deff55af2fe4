import { type ActionResult, type LeasedFile } from '../../contracts/gateway-api.js';
import { type LeaseViolationPolicy } from '../actions.config.js';
import { type WrittenPaths } from '../lease/written-paths.js';
import { type Machine } from '../machine.js';
import { type AgentName } from './profiles.js';

/** A coding agent that works on a prompt, on whatever machine. */
export interface AgentRun {
  readonly agent: AgentName;
  /** What it is called by there. */
  readonly program: string;
  readonly prompt: string;
  /** Where it stands. */
  readonly folder: string;
  readonly machine: Machine;
  /** What it sees of the environment beyond what all programs see. */
  readonly env?: Readonly<Record<string, string>>;
  /** What its task has leased; undefined when there is nothing to compare with. */
  readonly leased: readonly LeasedFile[] | undefined;
  readonly policy: LeaseViolationPolicy;
  /** What other actions write there meanwhile. */
  readonly written: WrittenPaths;
  /** Why what it writes cannot be compared with the lease on this machine; absent: it can. */
  readonly unseen?: string;
  /** Whether a variable of the environment may be as long as this text. */
  readonly fitsEnvironment: (text: string) => boolean;
  /** Arguments before the usual ones: tried one after the other, while an end calls for the next. */
  readonly attempts?: {
    readonly options: readonly (readonly string[])[];
    readonly callsForNext: (result: ActionResult) => boolean;
  };
  /** Fires when the work has to end before its time. */
  readonly signal: AbortSignal;
  readonly limitSeconds: number;
}
