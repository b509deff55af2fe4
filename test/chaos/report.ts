import { type History, type Violation } from './checker/history.js';
import { shortestHistory } from './checker/shortest.js';

/** What a scenario has come to. */
export interface Outcome {
  readonly scenario: string;
  readonly seed: number;
  readonly seconds: number;
  /** What was counted and measured, by name. */
  readonly numbers: Readonly<Record<string, number | string>>;
  /** Sentences; none: all is well. */
  readonly faults: readonly string[];
  /** What shows the first of them: events, traces, and what was done meanwhile. */
  readonly evidence: readonly string[];
  /** Why it could not be run here; nothing is proven then. */
  readonly leftOut?: string;
}

/** Violations as sentences, and the shortest history that shows one. */
export function faultsOf(
  history: History,
  violations: readonly Violation[],
): Pick<Outcome, 'faults' | 'evidence'> {
  const shown = shortestHistory(history, violations);
  return {
    faults: violations.map(({ rule, text }) => `${rule}: ${text}`),
    evidence: shown === null ? [] : [`${shown.violation.rule}: ${shown.violation.text}`, ...shown.lines],
  };
}

export function line({ scenario, seed, seconds, numbers, faults, leftOut }: Outcome): string {
  if (leftOut !== undefined) return `${scenario}: left out, ${leftOut}`;
  const counted = Object.entries(numbers).map(([name, value]) => `${name} ${value}`);
  const verdict = faults.length === 0 ? 'ok' : `${faults.length} VIOLATIONS`;
  return [`${scenario}: ${verdict}`, `seed ${seed}`, ...counted, `${seconds.toFixed(0)} s`].join(', ');
}
