import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faultsOf, type Outcome } from './report.js';
import { storm } from './scenarios/storm.js';
import { type Stage } from './scenarios/scenario.js';

export const BUGS = join(import.meta.dirname, 'bugs');
/** What a build of the product needs. */
const SOURCES = [
  'src',
  'bin',
  'migrations',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'nest-cli.json',
];
const NEEDS_NO_POINTS = 10;
const SETTLE_MS = 30_000;

/** The names of the planted bugs. */
export const bugNames = (): string[] =>
  readdirSync(BUGS)
    .filter((name) => name.endsWith('.patch'))
    .map((name) => name.replace(/\.patch$/, ''))
    .toSorted();

/** Plants a bug in a copy of the product and storms it: the faults of the outcome say that it was not found. */
export async function findBug(name: string, stage: Stage): Promise<Outcome> {
  const begun = performance.now();
  const copy = mkdtempSync(join(tmpdir(), 'skynet-chaos-bug-'));
  try {
    stage.progress('building');
    for (const source of SOURCES) cpSync(join(stage.root, source), join(copy, source), { recursive: true });
    symlinkSync(join(stage.root, 'node_modules'), join(copy, 'node_modules'));
    plant(name, copy);
    const nest = createRequire(import.meta.url).resolve('@nestjs/cli/bin/nest.js');
    execFileSync(process.execPath, [nest, 'build'], { cwd: copy, stdio: ['ignore', 'ignore', 'inherit'] });
    const { seed, points, progress, pgbouncer } = stage;
    const { history, violations, ...found } = await storm({
      ...{ root: copy, seed, points, progress, pgbouncer },
      ...{ replicas: 2, gateways: 2, workers: 2, hosts: 1 },
      ...{ pointsPerRound: NEEDS_NO_POINTS, settleMs: SETTLE_MS, limitMs: 1_200_000 },
    });
    const evidence = history === null ? [] : faultsOf(history, violations).evidence;
    return {
      scenario: `planted ${name}`,
      seed,
      seconds: (performance.now() - begun) / 1_000,
      numbers: {
        'found by': [...new Set(violations.map(({ rule }) => rule))].join(' + '),
        'after points': found.points,
        tasks: found.tasks,
      },
      faults: violations.length > 0 ? [] : [`${name} was planted, and nothing was found.`],
      evidence,
    };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Applies a bug's patch to a copy of the source. Throws when the source has moved on so far that it does not fit. */
export function plant(name: string, copy: string): void {
  mkdirSync(copy, { recursive: true });
  execFileSync('git', ['apply', '--unsafe-paths', `--directory=${copy}`, join(BUGS, `${name}.patch`)], {
    cwd: '/',
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
