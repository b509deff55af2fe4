// Runs Jest with the flag that its ESM support needs; arguments are passed on. With --long some tests do more than usual.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const given = process.argv.slice(2);
const rest = given.filter((argument) => argument !== '--long');
const { status } = spawnSync(
  process.execPath,
  ['--experimental-vm-modules', '--no-warnings', jest, ...rest],
  {
    stdio: 'inherit',
    env: { ...process.env, ...(rest.length < given.length ? { SKYNET_TEST_LONG: '1' } : {}) },
  },
);
process.exit(status ?? 1);
