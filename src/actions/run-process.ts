import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { type ActionResult } from '../contracts/gateway-api.js';
import { cutText } from './cut-text.js';
import { type LifeLine } from './life-line.js';

const MAX_STDOUT = 8_192;
const MAX_STDERR = 4_096;
/** Kept of each stream while a process runs, in bytes: enough for the characters above in any language. */
const KEEP_BYTES = 64 * 1_024;
/** How long the last output may take to arrive after a process has ended. Only one that left its group can hold it up. */
const LAST_OUTPUT_MS = 2_000;

export interface ProcessOptions {
  readonly cwd: string;
  /** All that the process sees of the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** When the action's time is over, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
  /** The limit that led to the deadline, for the text that tells of it. */
  readonly limitSeconds: number;
  /** Ends the process before its time; the reason is part of the text that tells of it. */
  readonly signal: AbortSignal;
  /** Ends the process with the gateway. */
  readonly lifeLine: LifeLine;
}

/**
 * Runs a program without a shell, in a process group of its own, with bounded output. At the deadline, or when `signal`
 * fires, the whole group is killed; what a program leaves behind in its group ends with it. Never rejects: a program
 * that cannot be started is a result with returncode 1.
 */
export function runProcess(
  program: string,
  args: readonly string[],
  { cwd, env, deadlineMs, limitSeconds, signal, lifeLine }: ProcessOptions,
): Promise<ActionResult> {
  const timeout = `Process timed out after ${limitSeconds}s and was killed.`;
  return new Promise((done) => {
    if (signal.aborted) return done(killed('', haltText(signal)));
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const { pid } = child;
    if (pid === undefined) {
      // Not started: it may not even have streams, only this event to come.
      child.once('error', (error) => {
        done({ returncode: 1, stdout: '', stderr: cutText(`${program}: ${error.message}`, MAX_STDERR) });
      });
      return;
    }
    lifeLine.tie(pid);
    // A kill that failed is told by this event; the end of the process is still to come.
    child.on('error', () => undefined);
    const stdout = new Head();
    const stderr = new Head();
    child.stdout.on('data', (chunk: Buffer) => stdout.add(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));

    let killedBecause: string | undefined;
    const kill = (why: string) => {
      killedBecause ??= why;
      killGroup(pid);
    };
    const timer = setTimeout(() => kill(timeout), Math.max(0, deadlineMs - performance.now()));
    const onAbort = () => kill(haltText(signal));
    signal.addEventListener('abort', onAbort, { once: true });

    const finish = (result: ActionResult) => {
      child.stdout.destroy();
      child.stderr.destroy();
      done(result);
    };
    child.once('exit', (code, deathSignal) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      killGroup(pid);
      lifeLine.untie(pid);
      const settle = () => {
        clearTimeout(patience);
        const out = stdout.text(MAX_STDOUT);
        finish(
          killedBecause === undefined
            ? { returncode: code ?? deathBy(deathSignal), stdout: out, stderr: stderr.text(MAX_STDERR) }
            : killed(out, killedBecause),
        );
      };
      const patience = setTimeout(settle, LAST_OUTPUT_MS);
      child.once('close', settle);
    });
  });
}

const killed = (stdout: string, why: string): ActionResult => ({ returncode: -1, stdout, stderr: why });

/** The returncode of a program that a signal has ended: the signal's number, negative. */
const deathBy = (signal: NodeJS.Signals | null): number =>
  signal === null ? -1 : -constants.signals[signal];

function haltText(signal: AbortSignal): string {
  return `Process was killed by the ${String(signal.reason)}.`;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

/** The beginning of a stream; the rest is read and forgotten, so that a flood neither blocks nor fills memory. */
export class Head {
  private readonly chunks: Buffer[] = [];
  private size = 0;

  add(chunk: Buffer): void {
    if (this.size >= KEEP_BYTES) return;
    // A copy: a view would keep the whole chunk that it is a view of.
    this.chunks.push(Buffer.from(chunk.subarray(0, KEEP_BYTES - this.size)));
    this.size += chunk.length;
  }

  text(maxCharacters: number): string {
    return cutText(Buffer.concat(this.chunks).toString('utf8'), maxCharacters);
  }
}
