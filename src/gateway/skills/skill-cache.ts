import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { plainLine } from './domain/plain-text.js';
import { parseSkill } from './domain/skill.js';
import { folderOf, type RemoteSkill } from './domain/skill-url.js';
import { type Scan, SCAN_LIMITS, scanSkills } from './skill-scan.js';

const OURS = /^[0-9a-f]{64}$/;

/**
 * The last good copy of each skill that is fetched, a file for each address: `<hash of the address>/<folder>/SKILL.md`.
 * What else lies in the folder is searched like any folder of skills. Copies of addresses that are configured no longer
 * stay, for they may be another gateway's, and are not used.
 */
export class SkillCache {
  private readonly addresses: ReadonlyMap<string, string>;

  constructor(
    private readonly folder: string,
    remote: readonly RemoteSkill[],
  ) {
    this.addresses = new Map(remote.map((skill) => [hashOf(skill), skill.url]));
  }

  /** Keeps a text, whole or not at all. Throws when it is no skill, or cannot be written. */
  async keep(skill: RemoteSkill, text: string): Promise<void> {
    const folder = plainLine(folderOf(skill), 100).replaceAll('/', '-');
    if (parseSkill(text, folder) === null) throw new Error('is empty');
    const file = join(this.folder, hashOf(skill), folder, 'SKILL.md');
    if ((await readFile(file, 'utf8').catch(() => null)) === text) return;
    const draft = join(this.folder, `.${hashOf(skill)}-${randomUUID()}`);
    await mkdir(dirname(file), { recursive: true });
    try {
      await writeFile(draft, text);
      await rename(draft, file);
    } finally {
      await rm(draft, { force: true });
    }
  }

  async scan(): Promise<Scan> {
    await mkdir(this.folder, { recursive: true }).catch(() => undefined);
    const isWanted = (name: string) => !OURS.test(name) || this.addresses.has(name);
    const { skills, warnings } = await scanSkills(this.folder, SCAN_LIMITS, isWanted);
    return {
      skills: skills.map((skill) => ({
        ...skill,
        source: this.addresses.get(skill.source.split(sep)[0] ?? '') ?? skill.source,
      })),
      warnings,
    };
  }
}

const hashOf = ({ url }: RemoteSkill) => createHash('sha256').update(url).digest('hex');
