import { type Alternative, readAlternatives } from './alternatives.js';
import { type FilePattern } from './pattern.js';

const MOST_KEPT = 256;

/** Matchers by text, the latest used last. What they weigh is bounded by the limits of a pattern. */
const kept = new Map<string, readonly Alternative[] | null>();

/**
 * What a pattern is matched by, made when first needed. Null for a text that cannot be read, which
 * {@link FilePattern.text} never is unless somebody made it up.
 */
export function alternativesOf({ text }: FilePattern): readonly Alternative[] | null {
  const known = kept.get(text);
  if (known !== undefined) {
    kept.delete(text);
    kept.set(text, known);
    return known;
  }
  const read = readAlternatives(text);
  const alternatives = 'kind' in read ? null : read;
  kept.set(text, alternatives);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value ?? text);
  return alternatives;
}
