import { createInterface, type Interface } from 'node:readline';
import { type Readable, type Writable } from 'node:stream';
import { type Execution } from '../../actions/index.js';
import { Turns } from '../../platform/turns.js';
import { type Operator } from './operator.js';
import { shownToOperator } from './domain/shown.js';

export interface TerminalOperatorOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** How long a question stays open; no answer is a no. */
  readonly limitMs: number;
}

/**
 * Asks at the agent's terminal, one question at a time. Only `y` or `yes`, typed after the question was shown, is a yes;
 * what was typed before, no answer in time, or the end of the input is a no.
 */
export class TerminalOperator implements Operator {
  private readonly turns = new Turns(1);
  private readonly lines: Interface;
  private readonly output: Writable;
  private readonly limitMs: number;
  private answer: ((line: string) => void) | undefined;
  private gone = false;
  /** Grows with each {@link denyAll}: a question that was asked before it is not shown any more. */
  private denials = 0;

  constructor({ input, output, limitMs }: TerminalOperatorOptions) {
    this.output = output;
    this.limitMs = limitMs;
    // Not as a terminal: Ctrl-C stays what ends the agent.
    this.lines = createInterface({ input, terminal: false });
    this.lines.on('line', (line) => this.answer?.(line));
    this.lines.once('close', () => {
      this.gone = true;
      this.answer?.('');
    });
  }

  confirm(execution: Execution): Promise<boolean> {
    const { denials } = this;
    const asked = performance.now();
    return this.turns.run(async () => {
      // The time in which others were asked counts as well.
      const leftMs = this.limitMs - (performance.now() - asked);
      if (this.gone || leftMs <= 0 || denials !== this.denials) return false;
      return this.ask(execution, leftMs);
    });
  }

  denyAll(): void {
    this.denials++;
    this.answer?.('');
  }

  close(): void {
    this.lines.close();
  }

  private async ask(execution: Execution, limitMs: number): Promise<boolean> {
    const seconds = Math.round(limitMs / 1_000);
    this.output.write(`\n${shownToOperator(execution)}\nRun it? [y/N] (${seconds} s) `);
    let timer: NodeJS.Timeout | undefined;
    const line = await new Promise<string>((resolve) => {
      this.answer = resolve;
      timer = setTimeout(() => resolve(''), limitMs);
    });
    clearTimeout(timer);
    this.answer = undefined;
    const confirmed = /^\s*y(es)?\s*$/i.test(line);
    this.output.write(confirmed ? 'Confirmed.\n' : '\nDenied.\n');
    return confirmed;
  }
}
