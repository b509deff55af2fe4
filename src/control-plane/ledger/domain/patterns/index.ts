/** File patterns: what they mean, when two of them conflict, and how an index finds those that may. */
export { lookupKeys, type LookupKeys } from './lookup-keys.js';
export { matches, overlaps } from './overlap.js';
export { parsePattern } from './parse.js';
export { type FilePattern, PATTERN_LIMITS, type PatternRefusal, type RefusalReason } from './pattern.js';
