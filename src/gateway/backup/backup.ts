import { randomUUID } from 'node:crypto';
import { constants, createWriteStream } from 'node:fs';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Database } from '../../platform/database/database.js';
import { type BackupConfig } from './backup.config.js';
import { atOneMoment, listTables, rowsOf } from './backup.queries.js';

const OURS = /^skynet-gateway-\d{8}T\d{6}Z\.jsonl\.gz$/;
const DRAFT = /^\.skynet-gateway-.+\.draft$/;
/** No backup takes so long: an older draft is what a process has left that died. */
const DRAFT_MS = 24 * 3_600_000;

/** A backup that was written. */
export interface Written {
  readonly file: string;
  readonly rows: number;
  readonly bytes: number;
  /** How many old ones were removed. */
  readonly removed: number;
}

/**
 * Writes all that the gateways have in the database into one file: gzip of JSON lines, `{"table": …, "row": …}`, as it was
 * at one moment. A file is there whole or not at all, and the newest ones stay.
 */
export class Backup {
  constructor(
    private readonly database: Database,
    private readonly config: BackupConfig,
  ) {}

  /** Where backups go; undefined: nowhere. */
  get folder(): string | undefined {
    return this.config.folder;
  }

  /** Throws, saying why, when a backup could not be written there. */
  async checkFolder(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (!(await stat(folder)).isDirectory()) throw new Error(`${folder} is no folder.`);
    await access(folder, constants.W_OK | constants.X_OK);
  }

  async write(folder: string, signal: AbortSignal): Promise<Written> {
    await this.checkFolder(folder);
    const file = `skynet-gateway-${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}.jsonl.gz`;
    const draft = join(folder, `.${file}-${randomUUID()}.draft`);
    let rows = 0;
    try {
      await atOneMoment(this.database, async (tx) => {
        const lines = async function* () {
          rows = 0;
          for (const table of await listTables(tx)) {
            for await (const row of rowsOf(tx, table)) {
              rows++;
              yield `{"table":${JSON.stringify(table)},"row":${row}}\n`;
            }
          }
        };
        // Readable by nobody else: it holds what people have said. It is on the disk before it gets its name.
        const out = createWriteStream(draft, { mode: 0o600, flush: true });
        await pipeline(lines, createGzip(), out, { signal });
      });
      signal.throwIfAborted();
      const { size } = await stat(draft);
      await rename(draft, join(folder, file));
      return { file, rows, bytes: size, removed: await this.rotate(folder) };
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** Removes all but the newest, and the drafts that processes have left which died. */
  private async rotate(folder: string): Promise<number> {
    const names = await readdir(folder);
    const old = names
      .filter((name) => OURS.test(name))
      .sort()
      .slice(0, -this.config.keep);
    for (const name of old) await rm(join(folder, name), { force: true });
    for (const name of names.filter((entry) => DRAFT.test(entry))) {
      const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Date.now() }));
      if (Date.now() - mtimeMs > DRAFT_MS) await rm(join(folder, name), { force: true });
    }
    return old.length;
  }
}
