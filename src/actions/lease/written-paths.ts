/**
 * What other actions of this machine write while somebody looks at a folder. They have leases of their own, so what they
 * write is not to be counted against, or taken from, the one who is looked at.
 */
export class WrittenPaths {
  private readonly watches = new Set<Set<string>>();

  /** Tells those who look that a path is being written by another action. */
  note(path: string): void {
    for (const paths of this.watches) paths.add(path);
  }

  /** What is written from now on, until `end`. */
  watch(): { readonly paths: ReadonlySet<string>; end(): void } {
    const paths = new Set<string>();
    this.watches.add(paths);
    return { paths, end: () => void this.watches.delete(paths) };
  }
}
