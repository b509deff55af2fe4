import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const RECORD = join(import.meta.dirname, 'previous');

const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

export interface Choice {
  readonly commit: string;
  /** Why it is this one. */
  readonly reason: string;
}

/** The release to compare with. Throws, saying what to do, when this clone does not have it. */
export function chooseRelease(): Choice {
  const tag = git('tag', '--sort=-creatordate', '--merged', 'HEAD').split('\n')[0] ?? '';
  if (tag !== '')
    return { commit: git('rev-parse', `${tag}^{commit}`), reason: `It is the newest tag, ${tag}.` };
  const line = readFileSync(RECORD, 'utf8').trim().split('\n').at(-1) ?? '';
  const [commit = '', ...reason] = line.split(' ');
  if (has(commit)) return { commit, reason: reason.join(' ') };
  if (git('rev-parse', '--is-shallow-repository') !== 'true')
    throw new Error(`This clone has no commit ${commit}, which test/upgrade/previous names.`);
  const oldest = git('rev-list', '--first-parent', 'HEAD').split('\n').at(-1) ?? '';
  if (oldest === git('rev-parse', 'HEAD')) {
    throw new Error(
      `This clone is shallow and has one commit alone, so there is no release before: git fetch --unshallow.`,
    );
  }
  return {
    commit: oldest,
    reason: `This clone is shallow and lacks ${commit.slice(0, 12)}; this is the oldest commit that it has (git fetch --unshallow for the right one).`,
  };
}

function has(commit: string): boolean {
  return (
    spawnSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: ROOT, stdio: 'ignore' }).status === 0
  );
}

/** The programs of a commit, built in a work tree of their own with the packages of this one. */
export class Release {
  private constructor(
    readonly root: string,
    private readonly folder: string,
  ) {}

  static build(commit: string): Release {
    const folder = mkdtempSync(join(tmpdir(), 'skynet-upgrade-'));
    const root = join(folder, 'tree');
    git('worktree', 'add', '--detach', root, commit);
    const release = new Release(root, folder);
    try {
      symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
      const build = [join(root, 'scripts', 'build-if-needed.mjs')];
      const { status } = spawnSync(process.execPath, build, { cwd: root, stdio: ['ignore', 2, 2] });
      if (status !== 0)
        throw new Error(`${commit} does not build with the packages of this clone; see above.`);
    } catch (error) {
      release.remove();
      throw error;
    }
    return release;
  }

  /** The build of this clone. */
  static get present(): string {
    return ROOT;
  }

  remove(): void {
    spawnSync('git', ['worktree', 'remove', '--force', this.root], { cwd: ROOT, stdio: 'ignore' });
    rmSync(this.folder, { recursive: true, force: true });
  }
}
