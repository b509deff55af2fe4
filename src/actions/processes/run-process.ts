import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { type ActionResult } from '../../contracts/gateway-api.js';
import { cutText } from '../cut-text.js';
import { haltText, timeoutText } from '../time-limit.js';
import { MAX_STDERR, MAX_STDOUT } from '../results.js';
import { type Keep, KeptOutput } from './kept-output.js';
import { type LifeLine } from './life-line.js';
import { killGroup } from './process-group.js';

/** How long the last output may take to arrive after a process has ended. Only one that left its group can hold it up. */
const LAST_OUTPUT_MS = 2_000;

export interface ProcessOptions {
  readonly cwd: string;
  /** All that the process sees of the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What the process reads from its standard input; absent: nothing. */
  readonly input?: string;
  /** What is kept of its standard output; absent: as much as a result shows. */
  readonly keep?: Keep;
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
  options: ProcessOptions,
): Promise<ActionResult> {
  const { cwd, env, input, deadlineMs, limitSeconds, signal, lifeLine } = options;
  return new Promise((done) => {
    if (signal.aborted) return done(killed('', haltText(signal)));
    const child = spawn(program, args, {
      cwd,
      env,
      detached: true,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const { pid, stdout: out, stderr: err } = child;
    if (pid === undefined || out === null || err === null) {
      // Not started: it may not even have streams, only this event to come.
      child.once('error', (error) => {
        done({ returncode: 1, stdout: '', stderr: cutText(`${program}: ${error.message}`, MAX_STDERR) });
      });
      return;
    }
    lifeLine.tie(pid);
    // A kill that failed is told by this event; the end of the process is still to come.
    child.on('error', () => undefined);
    // Broken when a program ends without having read all of it, which is its own affair.
    child.stdin?.on('error', () => undefined).end(input);
    const stdout = new KeptOutput(options.keep ?? { from: 'start', maxCharacters: MAX_STDOUT });
    const stderr = new KeptOutput({ from: 'start', maxCharacters: MAX_STDERR });
    out.on('data', (chunk: Buffer) => stdout.add(chunk));
    err.on('data', (chunk: Buffer) => stderr.add(chunk));

    let killedBecause: string | undefined;
    const kill = (why: string) => {
      killedBecause ??= why;
      killGroup(pid);
    };
    const timer = setTimeout(
      () => kill(timeoutText(limitSeconds)),
      Math.max(0, deadlineMs - performance.now()),
    );
    const onAbort = () => kill(haltText(signal));
    signal.addEventListener('abort', onAbort, { once: true });

    child.once('exit', (code, deathSignal) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      killGroup(pid);
      lifeLine.untie(pid);
      const settle = () => {
        clearTimeout(patience);
        out.destroy();
        err.destroy();
        done(
          killedBecause === undefined
            ? { returncode: code ?? deathBy(deathSignal), stdout: stdout.text(), stderr: stderr.text() }
            : killed(stdout.text(), killedBecause),
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
