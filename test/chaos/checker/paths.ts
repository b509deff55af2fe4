/** Whether two paths of the load can be the same file: folders end with a slash and hold all that begins like them. */
export function meet(a: string, b: string): boolean {
  if (a === b) return true;
  return (a.endsWith('/') && b.startsWith(a)) || (b.endsWith('/') && a.startsWith(b));
}
