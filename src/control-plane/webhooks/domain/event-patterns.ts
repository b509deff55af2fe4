/** `*`, the type of an event, or the beginning of types with a star behind it. */
const FORM = /^[a-z_]*\*?$/;

/** The types of `known` that patterns stand for, in the order of `known`. */
export function typesOf(patterns: readonly string[], known: readonly string[]): string[] {
  return known.filter((type) => patterns.some((pattern) => stands(pattern, type)));
}

/** The first pattern that stands for no type at all; undefined when each stands for one. */
export function strangePattern(patterns: readonly string[], known: readonly string[]): string | undefined {
  return patterns.find((pattern) => !FORM.test(pattern) || !known.some((type) => stands(pattern, type)));
}

function stands(pattern: string, type: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type;
}
