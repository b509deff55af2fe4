import { type FilePattern, parsePattern } from '../../../file-patterns/index.js';

/** Whether a task changes a file, which it then owns alone, or only reads it, beside other readers. */
export type FileMode = 'read' | 'write';

/** What a task wants to own, and what the caller called it. */
export interface WantedFile {
  readonly name: string;
  readonly pattern: FilePattern;
  readonly mode: FileMode;
}

/** Where callers name files: the list, and what its entries mean. */
export interface FileLists {
  readonly requiredFiles: readonly string[];
  readonly readFiles: readonly string[];
  readonly files: readonly { readonly path: string; readonly mode: FileMode }[];
}

/** An entry that is no pattern: its place in the request, and what a person can do about it. */
export interface RefusedFile {
  readonly place: readonly (string | number)[];
  readonly input: string;
  readonly detail: string;
}

export interface WantedFiles {
  /** Blank entries are dropped; of two spellings of one pattern the first stays, and is written if either is. */
  readonly files: readonly WantedFile[];
  readonly refused: readonly RefusedFile[];
}

const NONE: WantedFiles = { files: [], refused: [] };

/** Reads the lists of a request. */
export function wantedFiles({ requiredFiles, readFiles, files }: FileLists): WantedFiles {
  if (requiredFiles.length + readFiles.length + files.length === 0) return NONE;
  const byText = new Map<string, WantedFile>();
  const refused: RefusedFile[] = [];
  const add = (raw: string, mode: FileMode, place: readonly (string | number)[]) => {
    const name = raw.trim();
    if (name === '') return;
    const pattern = parsePattern(name);
    if (pattern.kind === 'refused') {
      refused.push({ place, input: raw, detail: pattern.detail });
      return;
    }
    const known = byText.get(pattern.text);
    if (known === undefined) byText.set(pattern.text, { name, pattern, mode });
    else if (mode === 'write') byText.set(pattern.text, { ...known, mode });
  };
  requiredFiles.forEach((entry, index) => add(entry, 'write', ['required_files', index]));
  files.forEach(({ path, mode }, index) => add(path, mode, ['files', index, 'path']));
  readFiles.forEach((entry, index) => add(entry, 'read', ['read_files', index]));
  return { files: [...byText.values()], refused };
}

/**
 * A pattern that was stored in its normal form. A text that is refused today is a path from before it was: one file, as
 * it was then.
 */
export function storedPattern(text: string): FilePattern {
  const pattern = parsePattern(text);
  return pattern.kind === 'refused' ? { raw: text, kind: 'exact', text, prefix: text } : pattern;
}

/** The modes of a task's files as the letters that are stored; '' when all are written. */
export function modeLetters(files: readonly Pick<WantedFile, 'mode'>[]): string {
  return files.every(({ mode }) => mode === 'write') ? '' : files.map(({ mode }) => mode[0]).join('');
}

export function modeFromLetter(letters: string, index: number): FileMode {
  return letters[index] === 'r' ? 'read' : 'write';
}
