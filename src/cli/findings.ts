import { plain, say, sayJson } from './terminal.js';

export type Level = 'ok' | 'warning' | 'error';

/** What a look has found, for a person and for a program. */
export interface Finding {
  /** What was looked at: `database`, `clock`. */
  readonly check: string;
  readonly level: Level;
  /** What is so, with the figures. */
  readonly finding: string;
  /** What follows from it; absent where that is plain. */
  readonly meaning?: string;
  /** What to do; absent where nothing is to be done. */
  readonly remedy?: string;
}

export const ok = (check: string, finding: string, meaning?: string): Finding => ({
  ...{ check, level: 'ok', finding },
  ...(meaning === undefined ? {} : { meaning }),
});

export const warning = (check: string, finding: string, meaning: string, remedy: string): Finding => ({
  ...{ check, level: 'warning', finding, meaning, remedy },
});

export const trouble = (check: string, finding: string, meaning: string, remedy: string): Finding => ({
  ...{ check, level: 'error', finding, meaning, remedy },
});

/** 2 with an error, 1 with a warning that counts, else 0. */
export function exitCodeOf(findings: readonly Finding[], strict: boolean): 0 | 1 | 2 {
  if (findings.some(({ level }) => level === 'error')) return 2;
  return strict && findings.some(({ level }) => level === 'warning') ? 1 : 0;
}

const MARKS: Readonly<Record<Level, string>> = { ok: 'ok     ', warning: 'WARNING', error: 'ERROR  ' };

/** Prints findings, with `more` beside them as JSON, and sets the exit code. */
export function showFindings(
  findings: readonly Finding[],
  {
    json = false,
    strict = false,
    more = {},
  }: { readonly json?: boolean; readonly strict?: boolean; readonly more?: object },
): void {
  process.exitCode = exitCodeOf(findings, strict);
  const count = (wanted: Level) => findings.filter(({ level }) => level === wanted).length;
  const [warnings, errors] = [count('warning'), count('error')];
  if (json) {
    const level = errors > 0 ? 'error' : warnings > 0 ? 'warning' : 'ok';
    sayJson({ level, warnings, errors, findings, ...more });
    return;
  }
  for (const { check, level, finding, meaning, remedy } of findings) {
    say(`${MARKS[level]}  ${check}: ${plain(finding)}`);
    if (meaning !== undefined) say(`         ${plain(meaning)}`);
    if (remedy !== undefined) say(`         → ${plain(remedy)}`);
  }
  say(`${findings.length} checks: ${errors} errors, ${warnings} warnings.`);
}
