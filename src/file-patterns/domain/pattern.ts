/**
 * What a task owns: one file, a folder with all below it, or whatever a glob matches. Plain data, so that a row can
 * hold it; the matcher is made from `text` when it is first needed.
 */
export interface FilePattern {
  /** What the caller wrote. */
  readonly raw: string;
  readonly kind: 'exact' | 'tree' | 'glob';
  /**
   * The normal form. Spellings of one pattern have one text, reading a text again gives the same pattern, and for an
   * exact path without glob characters it is the path. A tree ends in `/**`; alternatives are spelled out, sorted, and
   * kept in one group behind the segments that they share.
   */
  readonly text: string;
  /**
   * The longest run of leading segments without a glob in them, '' when there is none: all that the pattern owns is
   * this path or below it. For an exact path the path itself, for a tree its folder.
   */
  readonly prefix: string;
}

export type RefusalReason =
  | 'names-nothing'
  | 'leads-out'
  | 'too-long'
  | 'too-deep'
  | 'too-many-alternatives'
  | 'unclear'
  | 'not-storable';

/** Why something is no pattern, and in `detail` what a person can do about it. */
export interface PatternRefusal {
  readonly kind: 'refused';
  readonly reason: RefusalReason;
  readonly detail: string;
}

/** How large a pattern may be. Beyond these it is refused, never approximated. */
export const PATTERN_LIMITS = {
  /** Characters as the caller writes them. */
  length: 1_000,
  segments: 100,
  /** What groups such as `{a,b}` may expand to. */
  alternatives: 64,
  /** All alternatives together. */
  expandedLength: 8_000,
  /** The normal form in UTF-8. A B-tree entry of PostgreSQL must stay below 2,704 bytes. */
  textBytes: 2_000,
} as const;

const DETAILS: Readonly<Record<Exclude<RefusalReason, 'unclear'>, string>> = {
  'names-nothing':
    'A path must name a file or a folder inside of the project; write ** to own the whole project.',
  'leads-out':
    'A path must stay inside of the project; write it relative to the project, without leading "..".',
  'too-long': `A path may have ${PATTERN_LIMITS.length} characters, and ${PATTERN_LIMITS.textBytes} bytes with its groups spelled out; name a folder above it, or list its alternatives as entries of their own.`,
  'too-deep': `A path may have ${PATTERN_LIMITS.segments} segments; name a folder above it.`,
  'too-many-alternatives': `Groups may expand to ${PATTERN_LIMITS.alternatives} alternatives; use a wider pattern, or list them as entries of their own.`,
  'not-storable': 'A path must be text without NUL, half surrogate pairs and U+10FFFF.',
};

export function refusal(reason: keyof typeof DETAILS): PatternRefusal {
  return { kind: 'refused', reason, detail: DETAILS[reason] };
}

/** Refuses what could be read in more than one way. */
export function unclear(detail: string): PatternRefusal {
  return { kind: 'refused', reason: 'unclear', detail };
}

/** Whether a path is the folder or below it. Everything is below ''. */
export function isWithin(folder: string, path: string): boolean {
  if (folder.length === 0) return true;
  if (path.length === folder.length) return path === folder;
  return path.length > folder.length && path.charCodeAt(folder.length) === 0x2f && path.startsWith(folder);
}
