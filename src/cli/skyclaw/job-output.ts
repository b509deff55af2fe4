import { type Job, type LogLine } from '../../contracts/skyclaw.js';
import { note, write } from '../terminal.js';

/** Longer output than a result keeps cannot be completed from it, so it need not be remembered. */
const REMEMBERED_CHARS = 1_048_576;

/** Writes the output of a job to stdout and stderr as it comes, each attempt announced, each entry once. */
export class JobOutput {
  private attempt = 0;
  private lastSeq = 0;
  private written = { stdout: '', stderr: '' };

  /** Entries that have been written are skipped, so a stream may begin before where it was broken off. */
  async line(line: LogLine): Promise<void> {
    if (line.attempt < this.attempt) return;
    if (line.attempt > this.attempt) {
      if (line.attempt > 1) note(`attempt ${line.attempt}, on ${line.hostId}`);
      this.attempt = line.attempt;
      this.lastSeq = 0;
      this.written = { stdout: '', stderr: '' };
    }
    if (line.seq <= this.lastSeq) return;
    await this.put(line.stream, line.text);
    this.lastSeq = line.seq;
  }

  /**
   * Writes what the result has and the log does not: all of it when the host ships no logs, and an end that was lost.
   * A result that does not begin with what was written is a cut one, and adds nothing.
   */
  async complete(job: Job): Promise<void> {
    if (job.result === undefined) return;
    if (job.attempts > this.attempt) this.written = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      const whole = job.result[stream];
      const begun = this.written[stream];
      if (begun.length < REMEMBERED_CHARS && whole.startsWith(begun)) {
        await this.put(stream, whole.slice(begun.length));
      }
    }
  }

  private async put(stream: 'stdout' | 'stderr', text: string): Promise<void> {
    if (text === '') return;
    await write(process[stream], text);
    this.written[stream] = (this.written[stream] + text).slice(0, REMEMBERED_CHARS);
  }
}
