import { type RunRecord } from '../state/run-records.js';

/** A program that is to run, however it is isolated. */
export interface RunRequest {
  readonly runId: string;
  readonly kind: 'job' | 'service';
  /** Of the job or service. */
  readonly id: string;
  /** A name that the rules allow. */
  readonly command: string;
  readonly args: readonly string[];
  /** The folder that is asked for. */
  readonly cwd: string | undefined;
  /** Whether the folder must lie below the work root. */
  readonly confined: boolean;
  /** What the payload wants in its environment; forbidden names are left out. */
  readonly env: Readonly<Record<string, string>>;
  readonly image: string | undefined;
  readonly network: boolean;
  /** The port that others must reach. */
  readonly port?: number;
}

/** What is really started, and how it is ended with all that belongs to it. */
export interface Cage {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly container?: string;
  /** Sends a signal to all of it that can be found. `leader` is the process that was started here. */
  signal(leader: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Ends whatever is left once the leader has ended. */
  clear(leader: number): Promise<void>;
  /** Ends all of it without waiting: this process is about to end itself. */
  killNow(leader: number): void;
  /** What an exit code means that is not the program's own doing. */
  explain?(code: number): string | undefined;
  /** Whether something listens on a port, as far as it takes more than a connection to find out. */
  listens(port: number): Promise<boolean>;
}

/** A run that cannot be started; the message is for whoever asked for it. */
export class CannotRun extends Error {}

/** How children are kept from each other, from the daemon and from the machine. */
export interface Isolation {
  /** A line for the operator: what is enforced. */
  readonly description: string;
  /** Prepares a run. Throws {@link CannotRun} when it cannot be started. */
  cage(run: RunRequest): Promise<Cage>;
  /** Whether a service of an earlier life can be taken over. */
  readonly canAdopt: boolean;
  /** The way to watch and end a run that an earlier life has started. */
  cageOf(runId: string): Cage;
  /** Ends what is left of a run of an earlier life. */
  endLeftover(run: RunRecord): Promise<void>;
  /** Ends what no record tells of: leftovers of earlier lives of this host. */
  sweep(): Promise<void>;
}
