/** Trimmed, without blanks, each text once, in the order given. */
export function distinctTexts(raw: readonly string[]): string[] {
  return [...new Set(raw.map((entry) => entry.trim()).filter((entry) => entry !== ''))];
}

/** Capabilities are a set: trimmed, each once, sorted. */
export function capabilitySet(raw: readonly string[]): string[] {
  return distinctTexts(raw).sort();
}

/** The project of a task that names this one, or none. */
export function projectOf(named: string | null): string {
  return blankToNull(named) ?? 'default';
}

/** Trimmed; null when nothing is left. */
export function blankToNull(value: string | null): string | null {
  return value === null || value.trim() === '' ? null : value.trim();
}
