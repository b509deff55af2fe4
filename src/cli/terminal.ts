import { readFileSync } from 'node:fs';

/** What a person can understand and mend: its message is all that is shown. */
export class UsageError extends Error {}

/** A line for the person at the terminal; logs go to stderr. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What a terminal would obey instead of showing: control characters, and those that turn the direction of text. */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}]+/gu;

/** One line of text that does nothing to a terminal. */
export function plain(text: string): string {
  return text.replace(UNPRINTABLE, ' ');
}

/** A remark of `skyclaw` beside what a command prints. */
export function note(line: string): void {
  process.stderr.write(`[skyclaw] ${plain(line)}\n`);
}

/** The text of a file that a person has named, `-` for standard input. `what` begins the sentence when it cannot be read. */
export function textFrom(file: string, what: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UsageError(`${what} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** An answer of the API as it came. */
export function sayJson(answer: unknown): void {
  say(JSON.stringify(answer, null, 2));
}

/** Writes text as it is, and resolves when it has been taken, so that a slow reader slows the writer. */
export function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((done, failed) => {
    stream.write(text, (error) => {
      if (error) failed(error);
      else done();
    });
  });
}

let leaveUnread: (() => void) | undefined;

/**
 * Says what to do, once, when whoever reads this program's output has gone: `skyclaw list-jobs | head -1`. What was said
 * before is forgotten; what is written afterwards goes nowhere.
 */
export function onReaderGone(act: () => void): void {
  if (leaveUnread === undefined) {
    for (const stream of [process.stdout, process.stderr]) {
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw error;
        const leave = leaveUnread;
        leaveUnread = () => undefined;
        leave?.();
      });
    }
  }
  leaveUnread = act;
}

/** Ends the process as a shell would say it. */
export function endUnread(): void {
  process.exit(128 + 13);
}
