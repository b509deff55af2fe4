import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgres } from '../../platform/embedded-postgres/index.js';
import { type Finding, ok, trouble } from '../findings.js';
import { UsageError } from '../terminal.js';

type Format = 'custom' | 'plain';
const PROGRAMS = { custom: 'pg_restore', plain: 'psql' } as const;

/** What the first bytes say that a file is. Throws when that is nothing that can be checked. */
export function formatOf(file: string): Format {
  const head = Buffer.alloc(4_096);
  let length: number;
  try {
    const descriptor = openSync(file, 'r');
    try {
      length = readSync(descriptor, head);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new UsageError(
      `The backup cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const text = head.subarray(0, length).toString('latin1');
  if (text.startsWith('PGDMP')) return 'custom';
  if (/^--\s*\n-- PostgreSQL database dump/m.test(text)) return 'plain';
  throw new UsageError(
    `${file} is neither a dump of pg_dump in custom format (-Fc) nor in plain format (-Fp). Unpack it if it is compressed; a copy of files is checked by starting a server on it and giving its URL.`,
  );
}

/**
 * Restores a dump into a server of its own, which is gone afterwards, and lets `check` look at that. Restoring runs the
 * SQL of the dump: one from strangers must not be checked.
 */
export async function withRestored(
  file: string,
  check: (url: string) => Promise<Finding[]>,
): Promise<Finding[]> {
  const format = formatOf(file);
  const program = PROGRAMS[format];
  const version = await run(program, ['--version'], {}).catch(() => null);
  if (version?.code !== 0) {
    throw new UsageError(
      `This machine has no ${program}, which a dump in ${format} format needs (Debian: apt-get install postgresql-client). ` +
        'Or restore it elsewhere, and give the URL of that database.',
    );
  }
  const folder = mkdtempSync(join(tmpdir(), 'skynet-backup-check-'));
  try {
    const server = await EmbeddedPostgres.start({ dataDir: folder, durable: false });
    try {
      const restored = await restore(format, file, server.url);
      return [restored, ...(await check(server.url))];
    } finally {
      await server.stop();
      rmSync(server.dataDir, { recursive: true, force: true });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function restore(format: Format, file: string, url: string): Promise<Finding> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const where = ['-h', hostname, '-p', port, '-U', username, '-d', pathname.slice(1)];
  const args =
    format === 'custom'
      ? ['--no-owner', '--no-privileges', ...where, file]
      : ['-X', '-q', ...where, '-f', file];
  const { code, stderr } = await run(PROGRAMS[format], args, { PGPASSWORD: decodeURIComponent(password) });
  // A role of the old server that is not there is no loss, and neither is a setting that an older server does not have.
  const errors = stderr
    .split('\n')
    .filter((line) => /\berror:|ERROR:|FATAL:/i.test(line))
    .filter(
      (line) =>
        !/role ".*" does not exist|unrecognized configuration parameter|errors ignored on restore/.test(line),
    );
  if (errors.length === 0 && (code === 0 || format === 'custom'))
    return ok('restore', `The dump (${format} format) could be restored.`);
  return trouble(
    'restore',
    `Restoring had ${errors.length} errors: ${errors.slice(0, 3).join(' | ').slice(0, 1_000)}${errors.length === 0 ? stderr.slice(-500) : ''}`,
    'The dump is not whole, or not made for a server like this one.',
    'Take another one, and check it.',
  );
}

/** Runs a program of PostgreSQL, which gets to know nothing of our environment. */
function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number; readonly stderr: string }> {
  return new Promise((done, failed) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', ...env },
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-100_000)));
    child.once('error', failed);
    child.once('close', (code) => done({ code: code ?? 1, stderr }));
  });
}
