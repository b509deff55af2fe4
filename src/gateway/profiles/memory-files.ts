import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Env } from '../../platform/config/env.js';
import { type Database } from '../../platform/database/database.js';
import { listRemembered, type Remembered } from './profiles.queries.js';

const PORTION = 200;
const OURS = /^\d{1,16}\.md$/;
const DRAFT = /^\.\d{1,16}\.md-[0-9a-f-]{36}$/;

/** Where facts are kept as files; undefined: nowhere. */
export function memoryFolder(env: Env): string | undefined {
  return env.isSet('SKYNET_MEMORY_DIR') ? resolve(env.text('SKYNET_MEMORY_DIR')) : undefined;
}

/** What a sync has done. */
export interface Synced {
  readonly people: number;
  readonly written: number;
  readonly removed: number;
}

/**
 * What is remembered of people, as files that programs can read: `<telegram_user_id>.md`, one for each person of whom there
 * are facts and whose memory is switched on. The database is what counts: files are brought into line with it, never the
 * other way round.
 */
export class MemoryFiles {
  constructor(
    private readonly database: Database,
    /** Undefined: there are no files. */
    readonly folder: string | undefined,
  ) {}

  /** Writes what differs, and removes the files of those of whom nothing may be used any more. */
  async sync(folder: string, signal: AbortSignal): Promise<Synced> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const wanted = new Set<string>();
    let written = 0;
    let after = -1;
    for (;;) {
      const people = await listRemembered(this.database, after, PORTION);
      for (const person of people) {
        signal.throwIfAborted();
        const name = `${person.userId}.md`;
        wanted.add(name);
        if (await write(folder, name, textOf(person))) written++;
        after = person.userId;
      }
      if (people.length < PORTION) break;
    }
    signal.throwIfAborted();
    const names = await readdir(folder);
    const gone = names.filter((name) => OURS.test(name) && !wanted.has(name));
    for (const name of [...gone, ...names.filter((entry) => DRAFT.test(entry))]) {
      await rm(join(folder, name), { force: true });
    }
    return { people: wanted.size, written, removed: gone.length };
  }
}

function textOf({ userId, facts }: Remembered): string {
  const lines = facts.map(({ key, text }) => `- ${oneLine(key)}: ${oneLine(text)}`);
  return [`# What is remembered of ${userId}`, '', ...lines, ''].join('\n');
}

const oneLine = (text: string) => text.trim().replace(/\s+/g, ' ');

/** Whole or not at all, readable by nobody else. False when the file says it already. */
async function write(folder: string, name: string, text: string): Promise<boolean> {
  const file = join(folder, name);
  if ((await readFile(file, 'utf8').catch(() => null)) === text) return false;
  const draft = join(folder, `.${name}-${randomUUID()}`);
  try {
    await writeFile(draft, text, { mode: 0o600 });
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
  return true;
}
