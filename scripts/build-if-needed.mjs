// Builds dist/ when a source file is newer than the last build, so that `npm start` works straight after `npm ci`.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const stamp = join(root, 'dist', '.build-stamp');

function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (!entry.name.endsWith('.test.ts')) yield path;
  }
}

const hash = createHash('sha256');
const inputs = ['tsconfig.json', 'tsconfig.build.json', 'nest-cli.json', 'package.json'].map((name) =>
  join(root, name),
);
for (const path of [...inputs, ...[...filesBelow(join(root, 'src'))].sort()]) {
  hash.update(path.slice(root.length)).update(readFileSync(path));
}
const wanted = hash.digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  console.error('Building (a few seconds, only after a change) …');
  const nest = createRequire(import.meta.url).resolve('@nestjs/cli/bin/nest.js');
  const { status } = spawnSync(process.execPath, [nest, 'build'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, wanted);
}
