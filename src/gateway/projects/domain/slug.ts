const MAX_LENGTH = 64;

/**
 * The name of a project as its folder and repository are called: lower case, everything but letters and digits of ASCII
 * as a dash. Null when nothing is left.
 */
export function slugOf(name: string): string | null {
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_LENGTH)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? null : slug;
}
