// The results as JSON and as Markdown.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { peerNode } from './runtime.mjs';
import { judge } from './targets.mjs';

const PEERS = ['pg-boss', 'graphile-worker', 'bullmq'];

/** Column heads of the figures, in their order; others are shown under their own names. */
const HEADS = {
  rate: 'per second',
  server_cpu_ms: 'server CPU ms',
  store_cpu_ms: 'store CPU ms',
  client_cpu_ms: 'client CPU ms',
  wal_bytes: 'WAL bytes',
  commits: 'commits',
  buffers: 'buffers',
  hot_share: 'HOT share',
};

/** @param {import('./bench.mjs').Bench} bench @param {string} scale @param {{ name: string, title: string, about: string }[]} cases */
export async function report(bench, scale, cases) {
  const settings = await bench.cluster.settings();
  return {
    scale,
    rounds: bench.sizes.rounds,
    target_rounds: bench.sizes.targetRounds,
    seconds: Math.round(bench.progress.seconds),
    machine: {
      cpus: cpus().length,
      model: cpus()[0]?.model ?? 'unknown',
      memory_gib: Math.round(totalmem() / 2 ** 30),
    },
    node: { ours: process.version, peers: versionOf(peerNode()) },
    postgres: settings,
    peers: Object.fromEntries(PEERS.map((name) => [name, packageVersion(name)])),
    targets: judge(bench.comparisons),
    cases: cases.map(({ name, title, about }) => ({
      name,
      title,
      about,
      comparisons: bench.comparisons
        .filter((comparison) => comparison.case === name)
        .map(({ variant, lines }) => ({ variant, lines })),
    })),
  };
}

/** @param {Awaited<ReturnType<typeof report>>} results */
export function markdown(results) {
  const { machine, node, postgres, peers } = results;
  return [
    '# Results',
    '',
    `Written by \`node bench/run.mjs${results.scale === 'full' ? '' : ` --${results.scale}`} --rounds ${results.rounds} --write\`: ${results.rounds} alternating ${results.rounds === 1 ? 'round' : 'rounds'}${results.target_rounds > results.rounds ? `, ${results.target_rounds} where there is a target` : ''}, medians, ${results.seconds} s in all.${['full', 'targets'].includes(results.scale) ? '' : ' The sizes are small and processes hardly warm: an order of magnitude, not the limit.'}`,
    '',
    `${machine.cpus} cores (${machine.model}), ${machine.memory_gib} GiB, shared by PostgreSQL, servers and load generators. PostgreSQL ${postgres.server_version}: fsync ${postgres.fsync}, synchronous_commit ${postgres.synchronous_commit}, full_page_writes ${postgres.full_page_writes}, shared_buffers ${postgres.shared_buffers}. Node.js ${node.ours} for ours, ${node.peers ?? 'none'} for peers. ${Object.entries(
      peers,
    )
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
    '',
    'Costs are per task. The store is PostgreSQL, and Redis for BullMQ; the client of a peer in process is the peer itself.',
    '',
    '## Targets',
    '',
    ...table(
      ['case', 'wanted', 'aim', 'ratio', 'verdict'],
      results.targets.map(({ text, at_least, aim, lower_is_better, where, ratio, verdict }) => [
        where === null || text.includes(where) ? text : `${text} (${where})`,
        `${lower_is_better ? '≤' : '≥'} ${Number(at_least.toFixed(2))}`,
        `${aim}`,
        ratio === null ? '–' : ratio.toFixed(2),
        verdict,
      ]),
    ),
    ...results.cases.flatMap(({ title, about, comparisons }) => [
      '',
      `## ${title}`,
      '',
      about,
      ...comparisons.flatMap(({ variant, lines }) => [
        '',
        `### ${title}: ${variant}`,
        '',
        ...figuresTable(lines),
      ]),
    ]),
    '',
  ].join('\n');
}

/** The first line is what the others are held against. @param {import('./bench.mjs').Line[]} lines */
function figuresTable(lines) {
  const present = new Set(lines.flatMap(({ median }) => Object.keys(median)));
  const names = [
    ...Object.keys(HEADS).filter((name) => present.has(name)),
    ...[...present].filter((name) => !(name in HEADS)),
  ];
  const first = lines[0].median.rate;
  return table(
    ['', ...names.map((name) => HEADS[name] ?? name.replaceAll('_', ' ')), 'first / this'],
    lines.map(({ label, median, rounds, note }) => [
      note === undefined ? label : `${label} (${note})`,
      ...names.map((name) => (name === 'rate' ? withRange(median.rate, rounds) : shown(median[name]))),
      first === undefined || median.rate === undefined ? '–' : (first / median.rate).toFixed(2),
    ]),
  );
}

/** @param {string[]} head @param {string[][]} rows */
function table(head, rows) {
  const row = (cells) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  const align = head.map((_, index) => (index === 0 ? '---' : '--:'));
  return [row(head), row(align), ...rows.map(row)];
}

/** The median with the least and the most of the rounds. @param {number} rate @param {Record<string, number>[]} rounds */
function withRange(rate, rounds) {
  if (rounds.length < 2) return shown(rate);
  const rates = rounds.map((figures) => figures.rate);
  return `${shown(rate)} (${shown(Math.min(...rates))}–${shown(Math.max(...rates))})`;
}

/** @param {number | undefined} value */
function shown(value) {
  if (value === undefined || value === null || Number.isNaN(value)) return '–';
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 0.1 ? 2 : 3);
}

function packageVersion(name) {
  const file = join(import.meta.dirname, '..', 'node_modules', name, 'package.json');
  return JSON.parse(readFileSync(file, 'utf8')).version;
}

function versionOf(node) {
  return node === null ? null : execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
}
