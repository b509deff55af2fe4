import { constants } from 'node:fs';
import { open, opendir, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseSkill, type Skill } from './domain/skill.js';

/** A skill with where it comes from. */
export interface FoundSkill extends Skill {
  /** The path of its file in the folder that was searched, or the address that it was fetched from. */
  readonly source: string;
  /** Bytes of its file. */
  readonly size: number;
}

/** What a search is over with, so that no folder can keep the gateway busy or fill its memory. */
export interface ScanLimits {
  readonly entries: number;
  readonly skills: number;
  readonly depth: number;
  /** Characters of all bodies together. */
  readonly text: number;
}

export interface Scan {
  readonly skills: readonly FoundSkill[];
  /** What was left out, a sentence each. */
  readonly warnings: readonly string[];
}

export const SCAN_LIMITS: ScanLimits = { entries: 100_000, skills: 10_000, depth: 12, text: 16 * 1_048_576 };
/** What is read of one file; the text that is kept of it is far shorter. */
export const MOST_FILE_BYTES = 512_000;
const PARALLEL = 16;
const MOST_WARNINGS = 50;

/**
 * The skills below a folder, in the order of their paths. Links are not followed, so nothing outside of the folder is
 * read; a file that cannot be read is left out. `isWanted` leaves out folders at the top. Never throws for what is on the disk.
 */
export async function scanSkills(
  root: string,
  limits: ScanLimits = SCAN_LIMITS,
  isWanted: (folder: string) => boolean = () => true,
): Promise<Scan> {
  try {
    // The folder itself may be a link: it is the operator's own.
    return await new Scanner(await realpath(root), limits).search(basename(root), isWanted);
  } catch (error) {
    return { skills: [], warnings: [`The skills folder ${root} cannot be read (${codeOf(error)}).`] };
  }
}

/** A folder to look into: its path below the root, and its own name. */
interface Folder {
  readonly path: string;
  readonly name: string;
}

/** Goes through the folders level by level, several at once. */
class Scanner {
  private readonly skills: FoundSkill[] = [];
  private readonly warnings = new Set<string>();
  private entries = 0;
  private text = 0;
  private isFull = false;

  constructor(
    private readonly root: string,
    private readonly limits: ScanLimits,
  ) {}

  /** Throws when the root cannot be listed. */
  async search(name: string, isWanted: (folder: string) => boolean): Promise<Scan> {
    let level = (await this.lookInto({ path: '', name })).filter((folder) => isWanted(folder.name));
    for (let depth = 2; level.length > 0 && !this.isOver(); depth++) {
      if (depth > this.limits.depth) {
        this.warn(`Folders more than ${this.limits.depth} deep`);
        break;
      }
      level = await this.lookIntoAll(level);
    }
    const skills = this.skills.toSorted((a, b) => (a.source < b.source ? -1 : 1));
    return { skills, warnings: [...this.warnings] };
  }

  /** Returns the folders below. */
  private async lookIntoAll(level: readonly Folder[]): Promise<Folder[]> {
    const below: Folder[] = [];
    let next = 0;
    const lane = async () => {
      for (let folder = level[next++]; folder !== undefined && !this.isOver(); folder = level[next++]) {
        try {
          for (const found of await this.lookInto(folder)) below.push(found);
        } catch (error) {
          this.warnOf(folder.path, error);
        }
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, lane));
    return below;
  }

  /** Takes the skills of a folder and returns the folders in it. Throws when it cannot be listed. */
  private async lookInto({ path, name }: Folder): Promise<Folder[]> {
    const files: string[] = [];
    const folders: Folder[] = [];
    for await (const entry of await opendir(join(this.root, path))) {
      if (++this.entries > this.limits.entries) {
        this.warn(`More than ${this.limits.entries} files and folders`);
        break;
      }
      if (entry.isDirectory()) folders.push({ path: join(path, entry.name), name: entry.name });
      else if (entry.isFile() && entry.name.toLowerCase() === 'skill.md') files.push(entry.name);
    }
    for (const file of files.sort()) await this.take(join(path, file), name);
    return folders;
  }

  private async take(path: string, folder: string): Promise<void> {
    try {
      const { text, size } = await readStart(join(this.root, path));
      const skill = parseSkill(text, folder);
      if (skill === null) return;
      if (this.skills.length >= this.limits.skills) {
        this.isFull = true;
        this.warn(`More than ${this.limits.skills} skills`);
        return;
      }
      if (this.text + skill.body.length > this.limits.text) {
        this.warn('More text than is kept');
        return;
      }
      this.text += skill.body.length;
      this.skills.push({ ...skill, source: path, size });
    } catch (error) {
      this.warnOf(path, error);
    }
  }

  private isOver(): boolean {
    return this.entries > this.limits.entries || this.isFull;
  }

  private warnOf(path: string, error: unknown): void {
    if (this.warnings.size < MOST_WARNINGS) this.warnings.add(`${path} cannot be read (${codeOf(error)}).`);
  }

  private warn(what: string): void {
    this.warnings.add(`${what}; the rest is left out.`);
  }
}

/** Reads the start of an ordinary file; throws for anything else, a link included. */
async function readStart(path: string): Promise<{ readonly text: string; readonly size: number }> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error('no file');
    const buffer = Buffer.alloc(Math.min(stat.size, MOST_FILE_BYTES));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return { text: buffer.toString('utf8', 0, bytesRead), size: stat.size };
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
