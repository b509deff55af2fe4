import { type FilePattern } from './pattern.js';

/**
 * What an index over {@link FilePattern.prefix} (collation "C") must be asked to find every pattern that may overlap a
 * wanted one. A held pattern is a candidate when its prefix
 * - is one of `above`: the wanted prefix and the folders around it, or
 * - lies in `below.from <= prefix < below.to`: deeper than the wanted prefix; not asked for an exact path, which has
 *   nothing below it.
 *
 * Why this is all: what a pattern owns is its prefix or below it. If two own the same path, both prefixes lie on the way
 * to that path, so that one is the other or a folder around it; and an exact path owns nothing below itself.
 *
 * ```sql
 * select … from held where project_id = $1 and prefix = any($2::text[])   -- above
 * union all
 * select … from held where project_id = $1 and prefix >= $3 and prefix < $4   -- below, unless exact
 * ```
 * The two never find the same row. Candidates are then decided by `overlaps`.
 */
export interface LookupKeys {
  readonly prefix: string;
  readonly above: readonly string[];
  readonly below: { readonly from: string; readonly to: string } | null;
}

/** Sorts behind every path, since no path holds U+10FFFF. */
const BEHIND_ALL = '\u{10ffff}';

export function lookupKeys({ kind, prefix }: FilePattern): LookupKeys {
  const above = [''];
  for (let end = prefix.indexOf('/'); end !== -1; end = prefix.indexOf('/', end + 1))
    above.push(prefix.slice(0, end));
  if (prefix !== '') above.push(prefix);
  return { prefix, above, below: kind === 'exact' ? null : below(prefix) };
}

/** The range of what is below a folder: `0` is the character behind `/`. */
function below(prefix: string): LookupKeys['below'] {
  return prefix === '' ? { from: '\u0001', to: BEHIND_ALL } : { from: `${prefix}/`, to: `${prefix}0` };
}
