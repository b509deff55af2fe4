import { type FilePattern, overlaps } from '../../../file-patterns/index.js';
import { type FileMode } from './wanted-files.js';

/** What is compared: a pattern and what is done to it. */
export interface Use {
  readonly pattern: FilePattern;
  readonly mode: FileMode;
}

/** Whether two uses exclude each other: they may meet on a file, and one of them changes it. */
export function exclude(a: Use, b: Use): boolean {
  return (a.mode === 'write' || b.mode === 'write') && overlaps(a.pattern, b.pattern);
}

/**
 * Uses, found by what they exclude. Two plain paths meet when they are one, so of thousands of plain paths a look sees
 * only its own; folders and globs, of which there are few, are compared one by one.
 */
export class UseIndex<Entry extends Use> {
  private readonly plain = new Map<string, Entry[]>();
  private readonly patterns: Entry[] = [];

  constructor(entries: Iterable<Entry> = []) {
    for (const entry of entries) this.add(entry);
  }

  add(entry: Entry): void {
    const { kind, text } = entry.pattern;
    if (kind !== 'exact') {
      this.patterns.push(entry);
      return;
    }
    const same = this.plain.get(text);
    if (same === undefined) this.plain.set(text, [entry]);
    else same.push(entry);
  }

  /** The first entry that `use` excludes and `matters` holds for. */
  find(use: Use, matters: (entry: Entry) => boolean): Entry | undefined {
    const stands = (entry: Entry) => matters(entry) && exclude(use, entry);
    if (use.pattern.kind === 'exact') {
      const same = this.plain.get(use.pattern.text)?.find(stands);
      return same ?? this.patterns.find(stands);
    }
    for (const same of this.plain.values()) {
      const found = same.find(stands);
      if (found !== undefined) return found;
    }
    return this.patterns.find(stands);
  }
}
