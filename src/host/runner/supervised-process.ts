import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { type Readable } from 'node:stream';
import { type Cage } from '../isolation/isolation.js';
import {
  identityOfProcess,
  isSameProcess,
  type ProcessIdentity,
} from '../../platform/processes/process-identity.js';

/** How a process has ended. */
export type ProcessEnd =
  | { readonly kind: 'exit'; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly kind: 'not-started'; readonly message: string }
  /** Of a process that another life of the daemon has started: only its parent hears how it ended. */
  | { readonly kind: 'gone' };

/** Where the output of a child goes: to pipes that are read here, or to open files. */
export type Output = 'pipe' | { readonly stdout: number; readonly stderr: number };

/** How often an adopted process is looked at. */
const LOOK_MS = 250;

/** Everything that lives, so that it ends with this process whatever ends that. */
const living = new Set<SupervisedProcess>();
process.on('exit', () => {
  for (const child of living) child.killNow();
});

/** A process with all that it starts, from its start, or its adoption, to the end of the last of them. */
export class SupervisedProcess {
  /** When the process itself has ended and nothing of it is left that can be found. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  private hasEnded = false;
  private ending: Promise<void> | undefined;

  private constructor(
    private readonly cage: Cage,
    /** Undefined when it could not be started. */
    readonly identity: ProcessIdentity | undefined,
    private readonly child: ChildProcess | undefined,
    leaderEnd: Promise<ProcessEnd>,
  ) {
    if (identity !== undefined) living.add(this);
    this.ended = leaderEnd.then(async (end) => {
      this.hasEnded = true;
      if (identity !== undefined) await cage.clear(identity.pid);
      living.delete(this);
      return end;
    });
  }

  /** Starts what is in the cage, in a process group of its own and without standard input. */
  static start(cage: Cage, output: Output): SupervisedProcess {
    try {
      const stdio =
        output === 'pipe' ? (['pipe', 'pipe'] as const) : ([output.stdout, output.stderr] as const);
      const child = spawn(cage.program, cage.args, {
        cwd: cage.cwd,
        env: { ...cage.env },
        detached: true,
        stdio: ['ignore', ...stdio],
      });
      const end = endOf(child);
      const identity = child.pid === undefined ? undefined : identityOfProcess(child.pid);
      return new SupervisedProcess(cage, identity, child, end);
    } catch (error) {
      // What no process can be given, like an argument with NUL or a list that is too long.
      const message = error instanceof Error ? error.message : String(error);
      return new SupervisedProcess(
        cage,
        undefined,
        undefined,
        Promise.resolve({ kind: 'not-started', message }),
      );
    }
  }

  /** Goes on with a process that an earlier life has started. */
  static adopt(cage: Cage, identity: ProcessIdentity): SupervisedProcess {
    return new SupervisedProcess(cage, identity, undefined, untilGone(identity));
  }

  get stdout(): Readable | undefined {
    return this.child?.stdout ?? undefined;
  }

  get stderr(): Readable | undefined {
    return this.child?.stderr ?? undefined;
  }

  /** Asks it to end, kills it after `graceMs`, and comes back when it has ended. */
  async end(graceMs: number): Promise<void> {
    this.ending ??= this.endOnce(graceMs);
    await this.ending;
  }

  killNow(): void {
    if (this.identity !== undefined) this.cage.killNow(this.identity.pid);
  }

  private async endOnce(graceMs: number): Promise<void> {
    const { identity } = this;
    if (identity !== undefined && !this.hasEnded) {
      const timer = new AbortController();
      const late = wait(graceMs, 'late' as const, { signal: timer.signal }).catch(() => undefined);
      await this.cage.signal(identity.pid, 'SIGTERM');
      const first = await Promise.race([late, this.ended]);
      timer.abort();
      if (first === 'late') await this.cage.signal(identity.pid, 'SIGKILL');
    }
    await this.ended;
  }
}

function endOf(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((done) => {
    child.once('exit', (code, signal) => done({ kind: 'exit', code, signal }));
    child.on('error', ({ message }) => {
      // A child without an id was not started; otherwise its end is still to come.
      if (child.pid === undefined) done({ kind: 'not-started', message });
    });
  });
}

async function untilGone(identity: ProcessIdentity): Promise<ProcessEnd> {
  while (isSameProcess(identity)) await wait(LOOK_MS);
  return { kind: 'gone' };
}
