/** File patterns: what they mean, when two of them conflict, and how an index finds those that may. */
export { normalPath } from './domain/file-path.js';
export { lookupKeys, type LookupKeys } from './domain/lookup-keys.js';
export { matches, overlaps } from './domain/overlap.js';
export { parsePattern } from './domain/parse.js';
export {
  type FilePattern,
  PATTERN_LIMITS,
  type PatternRefusal,
  type RefusalReason,
} from './domain/pattern.js';
