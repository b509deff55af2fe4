import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** `{13-digit time}_{table}__{what}.sql` */
const FILE_NAME = /^(\d{13})_([a-z0-9_]+)\.sql$/;

/** The folder of a program's migrations; it lies beside `src/` and `dist/` alike. */
export function migrationsFolder(program: 'control-plane' | 'gateway'): string {
  return fileURLToPath(new URL(`../../../migrations/${program}`, import.meta.url));
}

/** A migration of a program as its file has it. */
export interface MigrationFile {
  /** What TypeORM calls it. */
  readonly name: string;
  readonly sql: string;
  /** Of its text. */
  readonly checksum: string;
}

/** The migrations of a folder, in the order of their times. */
export function migrationFiles(folder: string): MigrationFile[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const [, time, what] = FILE_NAME.exec(file) ?? [];
      if (time === undefined || what === undefined) throw new Error(`Not a migration's file name: ${file}`);
      const sql = readFileSync(`${folder}/${file}`, 'utf8');
      return { name: `${what}${time}`, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

/**
 * The plain SQL files of a folder as TypeORM migrations, in the order of their times. Each runs once, in a transaction.
 * A merged file is never edited: a change is a new file that old code can still run on.
 */
export function sqlMigrations(folder: string): (new () => MigrationInterface)[] {
  return migrationFiles(folder).map(({ name, sql }) => migration(name, sql));
}

function migration(name: string, sql: string): new () => MigrationInterface {
  return class implements MigrationInterface {
    readonly name = name;
    async up(runner: QueryRunner): Promise<void> {
      await runner.query(sql);
    }
    down(): Promise<void> {
      return Promise.reject(new Error('Migrations go forward only; restore a backup to go back.'));
    }
  };
}
