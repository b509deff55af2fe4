import { posix } from 'node:path';
import { type ActionResult } from '../../contracts/gateway-api.js';
import { type Machine } from '../machine.js';

/** The files of a repository as they were at one moment: all that git does not ignore, committed or not. */
export interface Snapshot {
  /** All files as a tree of git. */
  readonly tree: string;
  /** What was staged, as a tree; null when it could not be one, in the middle of a merge. */
  readonly staged: string | null;
  /** The commit at HEAD; null before the first one. */
  readonly head: string | null;
}

/** A path that differs between two snapshots, relative to the repository. */
export interface Change {
  readonly path: string;
  /** Whether it was not there before. */
  readonly added: boolean;
}

/** How long looking at a repository may take at each step, beside the time of the action. */
const LIMIT_SECONDS = 60;
/** Names of changed files beyond so many characters are not read. */
const MAX_LISTING = 4 * 1_048_576;

/** Nothing of the repository's own configuration may run a program for these. */
const QUIETLY = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', '-c', 'gc.auto=0'];

/**
 * The work tree of a git repository, looked at without leaving a trace in it: snapshots are made in an index and a store
 * of objects of their own, in a folder of the caller's. They say more than `git status` before and after would: a file
 * that was changed already and is changed again, and what was committed meanwhile.
 */
export class WorkTree {
  private constructor(
    /** Its folder, resolved through links. */
    readonly root: string,
    private readonly machine: Machine,
    private readonly scratch: string,
    private readonly objects: string,
    private readonly index: string,
  ) {}

  /** The work tree that a folder is in; null when it is in none. */
  static async open(folder: string, machine: Machine, scratch: string): Promise<WorkTree | null> {
    const ask = (...args: string[]) =>
      machine.run('git', ['rev-parse', ...args], { cwd: folder, limitSeconds: LIMIT_SECONDS });
    const top = await ask('--show-toplevel');
    if (top.returncode !== 0) return null;
    const root = withoutNewline(top.stdout);
    const inGit = async (name: string) =>
      resolved(folder, withoutNewline(textOf(await ask('--git-path', name))));
    await machine.files.makeFolder(`${scratch}/objects`);
    return new WorkTree(root, machine, scratch, await inGit('objects'), await inGit('index'));
  }

  /** Throws when git cannot tell. */
  async snapshot(): Promise<Snapshot> {
    const index = `${this.scratch}/index`;
    // There is none before something is added.
    await this.machine.files.copy(this.index, index);
    const staged = await this.git(['write-tree'], this.aside(index));
    // What cannot be read, or is a repository without a commit, is left out: then the code is 1.
    const added = await this.git(['add', '--all', '--ignore-errors', '.'], this.aside(index));
    if (added.returncode !== 0 && added.returncode !== 1) throw new Error(reasonOf(added));
    return {
      tree: lineOf(await this.git(['write-tree'], this.aside(index))),
      staged: staged.returncode === 0 ? lineOf(staged) : null,
      head: await this.head(),
    };
  }

  /** What differs, by content and mode. */
  async changes(before: string, after: string): Promise<Change[]> {
    const listing = await this.git(
      ['diff-tree', '-r', '-z', '--no-renames', '--name-status', before, after],
      this.aside(`${this.scratch}/index`),
    );
    const fields = textOf(listing).split('\0').slice(0, -1);
    return fields.flatMap((path, at) => (at % 2 === 1 ? [{ path, added: fields[at - 1] === 'A' }] : []));
  }

  /**
   * Makes paths what they were: in the folder, in what is staged, and, when they have been committed meanwhile, by a commit
   * of its own. Folders are left alone. Throws when git refuses.
   */
  async putBack(changes: readonly Change[], before: Snapshot): Promise<void> {
    for (const { path } of changes.filter(({ added }) => added)) await this.remove(path);
    const aside = this.aside(`${this.scratch}/index`);
    const there = changes.filter(({ added }) => !added).map(({ path }) => path);
    await this.onPaths(['restore', '--worktree', `--source=${before.tree}`], there, aside);
    const paths = changes.map(({ path }) => path);
    const base = before.head ?? (await this.emptyTree());
    await this.onPaths(['reset', '--quiet', before.staged ?? base], paths, this.aside());
    await this.commitBack(paths, base);
  }

  /** Commits paths as they are at `base`, when the commit at HEAD has them otherwise. */
  private async commitBack(paths: readonly string[], base: string): Promise<void> {
    const head = await this.head();
    if (head === null || head === base) return;
    const committed = new Set((await this.changes(base, head)).map(({ path }) => path));
    const wrong = paths.filter((path) => committed.has(path));
    if (wrong.length === 0) return;
    const env = { GIT_INDEX_FILE: `${this.scratch}/commit-index`, ...IDENTITY };
    textOf(await this.git(['read-tree', head], env));
    await this.onPaths(['reset', '--quiet', base], wrong, env);
    const tree = lineOf(await this.git(['write-tree'], env));
    const message = 'Put back what was written outside of the lease';
    const commit = lineOf(await this.git(['commit-tree', tree, '-p', head, '-m', message], env));
    textOf(await this.git(['update-ref', '-m', message, 'HEAD', commit, head], env));
  }

  private async head(): Promise<string | null> {
    const head = await this.git(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
    return head.returncode === 0 ? lineOf(head) : null;
  }

  private async emptyTree(): Promise<string> {
    return lineOf(await this.git(['hash-object', '-t', 'tree', '--stdin'], {}, ''));
  }

  /** Removes a file or link, and the folders above it that are empty then. */
  private async remove(path: string): Promise<void> {
    const { files } = this.machine;
    // Gone already, or a folder: a repository in the repository.
    if (!(await files.remove(`${this.root}/${path}`))) return;
    for (let folder = posix.dirname(path); folder !== '.'; folder = posix.dirname(folder)) {
      if (!(await files.removeEmpty(`${this.root}/${folder}`))) return;
    }
  }

  private async onPaths(
    args: readonly string[],
    paths: readonly string[],
    env: Record<string, string>,
  ): Promise<void> {
    if (paths.length === 0) return;
    // Not by standard input: on the way to another machine it may lose what separates them.
    const list = `${this.scratch}/paths`;
    await this.machine.files.write(list, paths.join('\0'));
    try {
      textOf(await this.git([...args, `--pathspec-from-file=${list}`, '--pathspec-file-nul'], env));
    } finally {
      await this.machine.files.remove(list);
    }
  }

  /** Objects are written beside the repository's, and with `index` what is staged there is left alone too. */
  private aside(index?: string): Record<string, string> {
    return {
      GIT_OBJECT_DIRECTORY: `${this.scratch}/objects`,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(this.objects),
      ...(index === undefined ? {} : { GIT_INDEX_FILE: index }),
    };
  }

  private git(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    input?: string,
  ): Promise<ActionResult> {
    return this.machine.run('git', [...QUIETLY, ...args], {
      cwd: this.root,
      env: { ...env, GIT_LITERAL_PATHSPECS: '1' },
      ...(input === undefined ? {} : { input }),
      keep: { from: 'start', maxCharacters: MAX_LISTING },
      limitSeconds: LIMIT_SECONDS,
    });
  }
}

const IDENTITY = {
  GIT_AUTHOR_NAME: 'SKYNET',
  GIT_AUTHOR_EMAIL: 'skynet@localhost',
  GIT_COMMITTER_NAME: 'SKYNET',
  GIT_COMMITTER_EMAIL: 'skynet@localhost',
} as const;

/** What git printed; throws when it failed. */
function textOf(result: ActionResult): string {
  if (result.returncode !== 0) throw new Error(reasonOf(result));
  return result.stdout;
}

function lineOf(result: ActionResult): string {
  return textOf(result).trim();
}

function reasonOf({ returncode, stderr }: ActionResult): string {
  return stderr.trim() === '' ? `git ended with ${returncode}` : stderr.trim();
}

/** Git tells paths relative to the folder where it stands, or absolute. */
function resolved(folder: string, path: string): string {
  return /^(?:[\\/]|[A-Za-z]:)/.test(path) ? path : `${folder}/${path}`;
}

function withoutNewline(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}
