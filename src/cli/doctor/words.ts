const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** `12 MB`. */
export function bytes(size: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(Math.max(size, 1)) / 10));
  return `${Math.round(size / 2 ** (10 * power))} ${BYTE_UNITS[power] ?? ''}`;
}

/** `90 s`, `12 min`, `5 h`, `3 d`. */
export function span(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
