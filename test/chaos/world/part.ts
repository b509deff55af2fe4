import { readFileSync } from 'node:fs';
import { type Program } from '../../support/program.js';

export type Role = 'replica' | 'gateway' | 'worker' | 'host';

/** A program of the world: a process that can be killed, stopped and started anew under the same name and address. */
export class Part {
  private program: Program | undefined;
  private complaints = '';
  private isRetired = false;

  constructor(
    readonly role: Role,
    readonly name: string,
    private readonly start: () => Program,
    /** What it prints when it serves; absent when nobody has to wait for that. */
    private readonly serving?: RegExp,
  ) {}

  get isUp(): boolean {
    const child = this.program?.child;
    return child?.exitCode === null && child.signalCode === null;
  }

  /** What all of its lives have said to their standard error and output. */
  get said(): string {
    return this.complaints + (this.program?.stderr ?? '') + (this.program?.stdout ?? '');
  }

  /** The memory that it has now; 0 when it does not run. */
  residentMb(): number {
    const pid = this.program?.child.pid;
    if (!this.isUp || pid === undefined) return 0;
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
  }

  run(): void {
    if (this.isUp || this.isRetired) return;
    this.complaints = this.said.slice(-100_000);
    this.program = this.start();
  }

  async untilServing(limitMs = 60_000): Promise<void> {
    if (this.serving !== undefined) await this.program?.line(this.serving, limitMs);
  }

  /** Nobody starts it anew from now on. */
  retire(): void {
    this.isRetired = true;
  }

  /** Sends a signal; a dead process hears nothing. */
  signal(name: NodeJS.Signals): void {
    if (this.isUp) this.program?.child.kill(name);
  }

  /** Ends it, and returns its exit code or the signal's name when it has ended. */
  async end(name: NodeJS.Signals): Promise<number | string> {
    if (this.program === undefined) return 0;
    // One that is stopped hears of its end only when it goes on.
    if (name !== 'SIGKILL') this.signal('SIGCONT');
    return this.program.kill(name);
  }
}
