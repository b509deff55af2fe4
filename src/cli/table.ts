import { plain } from './terminal.js';

/**
 * Rows below a heading, in columns that are as wide as their widest cell. With a `width` the last column is cut to it,
 * marked by `…`; without one, as in a pipe, nothing is.
 */
export function table(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | undefined = process.stdout.isTTY ? process.stdout.columns : undefined,
): string {
  const cells = [heading, ...rows.map((row) => row.map((cell) => (cell === '' ? '-' : plain(cell))))];
  const widths = heading.map((_, column) => Math.max(...cells.map((row) => lengthOf(row[column] ?? ''))));
  return cells.map((row) => fitted(aligned(row, widths), width)).join('\n');
}

/** Names and values below each other; what has no value is left out. */
export function record(fields: Readonly<Record<string, string | number | undefined>>): string {
  const shown = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '');
  const longest = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(longest + 2)}${plain(String(value))}`).join('\n');
}

/** How long ago: `5s`, `3m`, `2h`, `4d`. */
export function age(instant: string, nowMs: number = Date.now()): string {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(instant)) / 1_000));
  if (Number.isNaN(seconds)) return '';
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 120 * 60) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 48 * 3_600) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

function aligned(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - lengthOf(cell))))
    .join('  ')
    .trimEnd();
}

function fitted(line: string, width: number | undefined): string {
  const letters = Array.from(line);
  if (width === undefined || letters.length <= width) return line;
  return `${letters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** Letters outside of the basic plane count once. */
function lengthOf(text: string): number {
  return Array.from(text).length;
}
