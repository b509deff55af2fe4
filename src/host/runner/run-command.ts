import { type Cage } from '../isolation/isolation.js';
import { OutputHead } from './output-head.js';
import { type ProcessIdentity } from '../../platform/processes/process-identity.js';
import { within } from '../../platform/within.js';
import { type ProcessEnd, SupervisedProcess } from './supervised-process.js';

/** Between the request to end and the kill, when time is up. */
const KILL_AFTER_MS = 700;
/** How long a run is waited for after it was told to end; what is left of it then ends unwatched by the caller. */
const SETTLE_MS = 1_300;
/** How long the last output may take to arrive. Only a process that has escaped can hold it up. */
const LAST_OUTPUT_MS = 200;

export type StreamName = 'stdout' | 'stderr';

export interface RunOptions {
  readonly limitMs: number;
  readonly maxOutputBytes: number;
  /** Ends the run before its time. */
  readonly signal: AbortSignal;
  readonly onStart: (process: ProcessIdentity) => void;
  /** Each piece of output, as it comes. */
  readonly onOutput: (stream: StreamName, chunk: Buffer) => void;
}

export interface RunOutcome {
  readonly end: ProcessEnd | { readonly kind: 'timed-out' } | { readonly kind: 'stopped' };
  readonly durationMs: number;
  readonly stdout: string;
  readonly stderr: string;
  /** When nothing is left of it. */
  readonly cleared: Promise<unknown>;
}

/**
 * Runs what is in the cage with bounded output. At the limit, or when `signal` fires, all of it is ended, and the outcome
 * is there within 1.5 s, whatever the children do. Never rejects.
 */
export async function runCommand(cage: Cage, options: RunOptions): Promise<RunOutcome> {
  const { limitMs, maxOutputBytes, signal, onStart, onOutput } = options;
  const begun = performance.now();
  const process = SupervisedProcess.start(cage, 'pipe');
  if (process.identity !== undefined) onStart(process.identity);
  const heads = { stdout: new OutputHead(maxOutputBytes), stderr: new OutputHead(maxOutputBytes) };
  const closed = Promise.all(
    (['stdout', 'stderr'] as const).map((name) => {
      const stream = process[name];
      stream?.on('data', (chunk: Buffer) => {
        heads[name].add(chunk);
        onOutput(name, chunk);
      });
      return new Promise<void>((done) => (stream === undefined ? done() : stream.once('close', done)));
    }),
  );

  const cut = await firstOf(process.ended, limitMs, signal);
  let end: RunOutcome['end'];
  if (cut === 'ended') end = await process.ended;
  else {
    end = { kind: cut };
    await within(SETTLE_MS, process.end(KILL_AFTER_MS));
  }
  await within(LAST_OUTPUT_MS, closed);
  process.stdout?.destroy();
  process.stderr?.destroy();
  return {
    end,
    durationMs: Math.round(performance.now() - begun),
    stdout: heads.stdout.text(),
    stderr: heads.stderr.text(),
    cleared: process.ended,
  };
}

/** What comes first: the end of the run, its limit, or the word to stop. */
function firstOf(
  ended: Promise<unknown>,
  limitMs: number,
  signal: AbortSignal,
): Promise<'ended' | 'timed-out' | 'stopped'> {
  return new Promise((done) => {
    const timer = setTimeout(() => settle('timed-out'), limitMs);
    const onAbort = () => settle('stopped');
    const settle = (what: 'ended' | 'timed-out' | 'stopped') => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      done(what);
    };
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    void ended.then(() => settle('ended'));
  });
}
