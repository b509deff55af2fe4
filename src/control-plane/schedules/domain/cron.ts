import { CronTime } from 'cron';

/** A cron expression as a rule over a calendar that knows no time zones. */
export interface Cron {
  /**
   * The first matching wall-clock time after `wall`, both as milliseconds that a clock in UTC would show; null when there
   * is none in the next eight years.
   */
  next(wall: number): number | null;
  /** Whether the expression speaks of intervals rather than of times of day: its hour field begins with `*`. */
  readonly everyHour: boolean;
}

const EVERY_HOUR_NAMES = new Set(['@hourly', '@minutely', '@secondly']);

function speaksOfIntervals(expression: string): boolean {
  if (expression.startsWith('@')) return EVERY_HOUR_NAMES.has(expression);
  return expression.split(/\s+/).at(-4)?.startsWith('*') ?? false;
}

/**
 * Reads an expression of five fields, of six with seconds in front, or a name such as `@daily`. The library is asked in
 * UTC only, where its answers are plain calendar arithmetic: what it does about daylight saving time differs from
 * one hemisphere to the other and can run backwards. Returns why when it cannot be read.
 */
export function parseCron(expression: string): Cron | { readonly fault: string } {
  const trimmed = expression.trim().toLowerCase();
  let rule: CronTime;
  try {
    rule = new CronTime(trimmed, 'UTC');
  } catch (error) {
    return { fault: error instanceof Error ? error.message : 'it cannot be read' };
  }
  return {
    next: (wall) => {
      try {
        return rule.getNextDateFrom(new Date(wall), 'UTC').toMillis();
      } catch {
        return null; // The library's only complaint here: it has looked eight years ahead and found nothing.
      }
    },
    everyHour: speaksOfIntervals(trimmed),
  };
}
