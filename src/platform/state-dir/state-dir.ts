import { randomUUID } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { identityOfProcess, isSameProcess } from '../processes/process-identity.js';

const LOCK = 'lock';

/** Whose folder it is, for the words of a refusal. */
export interface StateDirUser {
  readonly owner: string;
  readonly setting: string;
  readonly refuse: (text: string) => Error;
}

/**
 * The folder in which a program keeps what its next life needs. It belongs to one living process at a time. Files are
 * replaced as a whole, so none is ever half written, and nobody but the owner reads them.
 */
export class StateDir {
  private constructor(
    readonly path: string,
    private readonly user: StateDirUser,
  ) {}

  /** Makes the folder and takes it. Throws what `refuse` makes of the reason when another has it or it cannot be written. */
  static open(path: string, user: StateDirUser): StateDir {
    const dir = new StateDir(path, user);
    let refusal: string | undefined;
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      refusal = dir.lock();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      refusal = `${user.setting} ${path} cannot be used: ${reason}`;
    }
    if (refusal !== undefined) throw user.refuse(refusal);
    return dir;
  }

  file(...names: readonly string[]): string {
    return join(this.path, ...names);
  }

  /** The names in a folder of it. */
  list(folder: string): readonly string[] {
    return existsSync(this.file(folder)) ? readdirSync(this.file(folder)) : [];
  }

  /** What was written under a name; undefined when nothing was, or it cannot be read. */
  read(...names: readonly string[]): unknown {
    try {
      return JSON.parse(readFileSync(this.file(...names), 'utf8')) as unknown;
    } catch {
      return undefined;
    }
  }

  write(value: unknown, ...names: readonly string[]): void {
    const path = this.file(...names);
    const fresh = `${path}.${process.pid}.new`;
    mkdirSync(this.file(...names.slice(0, -1)), { recursive: true, mode: 0o700 });
    writeFileSync(fresh, JSON.stringify(value), { mode: 0o600 });
    renameSync(fresh, path);
  }

  remove(...names: readonly string[]): void {
    rmSync(this.file(...names), { force: true });
  }

  /** Opens a file that a child writes to and never reads. */
  openForChild(...names: readonly string[]): number {
    mkdirSync(this.file(...names.slice(0, -1)), { recursive: true, mode: 0o700 });
    return openSync(this.file(...names), 'a', 0o600);
  }

  /** Gives the folder back. */
  release(): void {
    if (this.holder().pid === process.pid) this.remove(LOCK);
  }

  /** Why the folder cannot be had; undefined when it is taken now. */
  private lock(): string | undefined {
    const { owner, setting } = this.user;
    const mine = this.file(`${LOCK}.${randomUUID()}`);
    writeFileSync(mine, JSON.stringify(identityOfProcess(process.pid)), { mode: 0o600, flag: 'wx' });
    try {
      for (let tries = 0; tries < 2; tries += 1) {
        if (this.link(mine)) return undefined;
        const { pid, startedAt } = this.holder();
        if (pid !== process.pid && isSameProcess({ pid, startedAt })) {
          return `Another ${owner} (process ${pid}) uses ${this.path}. End it, or give this one a folder of its own with ${setting}.`;
        }
        this.remove(LOCK);
      }
      return `Another ${owner} has just taken ${this.path}.`;
    } finally {
      unlinkSync(mine);
    }
  }

  private link(mine: string): boolean {
    try {
      linkSync(mine, this.file(LOCK));
      return true;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
      throw error;
    }
  }

  private holder(): { readonly pid: number; readonly startedAt: string } {
    const { pid, startedAt } = (this.read(LOCK) ?? {}) as Readonly<Record<string, unknown>>;
    return { pid: Number(pid), startedAt: String(startedAt) };
  }
}
