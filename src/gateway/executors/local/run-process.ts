import { spawn } from 'node:child_process';
import { type ActionResult } from '../../../contracts/gateway-api.js';

const MAX_STDOUT = 8_192;
const MAX_STDERR = 4_096;
/** Kept while a process runs, in bytes: enough for the characters above in any language. */
const KEEP_BYTES = 64 * 1_024;

const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'TZ'];

export interface ProcessOptions {
  readonly cwd: string;
  readonly limitSeconds: number;
  readonly signal: AbortSignal;
  /** The environment to pick from. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs a program without a shell, in a process group of its own, with a small environment and bounded output. At the
 * time limit, or when `signal` fires, the whole group is killed. Never rejects: a program that cannot be started is a
 * result with returncode 1.
 */
export function runProcess(
  program: string,
  args: readonly string[],
  { cwd, limitSeconds, signal, env }: ProcessOptions,
): Promise<ActionResult> {
  return new Promise((done) => {
    if (signal.aborted) return done(failure('Stopped before it began.'));
    const child = spawn(program, args, {
      cwd,
      env: { ...smallEnvironment(env), GIT_TERMINAL_PROMPT: '0' },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stdout = new Head();
    const stderr = new Head();
    child.stdout.on('data', (chunk: Buffer) => stdout.add(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));

    let ended: string | undefined;
    const kill = (why: string) => {
      ended ??= why;
      killGroup(child.pid);
    };
    const timer = setTimeout(
      () => kill(`Process timed out after ${limitSeconds}s and was killed.`),
      limitSeconds * 1_000,
    );
    const onAbort = () => kill('Process was stopped and killed.');
    signal.addEventListener('abort', onAbort, { once: true });

    const finish = (result: ActionResult) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      // What the program has left behind in its group ends with it, and with it whoever holds our pipes open.
      killGroup(child.pid);
      child.stdout.destroy();
      child.stderr.destroy();
      done(result);
    };
    child.once('error', (error) => finish(failure(`${program}: ${error.message}`)));
    child.once('exit', (code) => {
      // The last output is still in the pipes; a grandchild that keeps them open must not hold up the answer.
      const settle = () =>
        finish(
          ended === undefined
            ? { returncode: code ?? 1, stdout: stdout.text(MAX_STDOUT), stderr: stderr.text(MAX_STDERR) }
            : { returncode: -1, stdout: stdout.text(MAX_STDOUT), stderr: ended },
        );
      const patience = setTimeout(settle, 200);
      child.once('close', () => {
        clearTimeout(patience);
        settle();
      });
    });
  });
}

function smallEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const wanted = Object.entries(env).filter(([name]) => PASSED_ON.includes(name) || name.startsWith('LC_'));
  return Object.fromEntries(wanted.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function failure(text: string): ActionResult {
  return { returncode: 1, stdout: '', stderr: text.slice(0, MAX_STDERR) };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

/** The beginning of a stream; the rest is read and forgotten, so that a flood neither blocks nor fills memory. */
class Head {
  private readonly chunks: Buffer[] = [];
  private size = 0;

  add(chunk: Buffer): void {
    if (this.size >= KEEP_BYTES) return;
    this.chunks.push(chunk.subarray(0, KEEP_BYTES - this.size));
    this.size += chunk.length;
  }

  text(maxCharacters: number): string {
    return Buffer.concat(this.chunks).toString('utf8').slice(0, maxCharacters);
  }
}
