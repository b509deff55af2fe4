import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgres } from '../../src/platform/embedded-postgres/index.js';
import { type Options, optionsFrom, USAGE } from './options.js';
import { type Report, runFuzz } from './run.js';

const TOLD_EVERY_MS = 10_000;
const say = (text: string) => void process.stdout.write(`${text}\n`);
const tell = (text: string) => void process.stderr.write(`${text}\n`);

/** A line that is written over where somebody watches; elsewhere now and then a line of its own. */
function progressOf(): (text: string) => void {
  let toldAt = -Infinity;
  return (text) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
    else if (performance.now() - toldAt > TOLD_EVERY_MS) {
      toldAt = performance.now();
      tell(text);
    }
  };
}

async function main({ requests, seed, minutes, json }: Options): Promise<boolean> {
  tell(`${requests} requests, seed ${seed}`);
  const begun = performance.now();
  const dataDir = mkdtempSync(join(tmpdir(), 'skynet-fuzz-'));
  const postgres = await EmbeddedPostgres.start({ dataDir, durable: false });
  let report: Report;
  try {
    report = await runFuzz(postgres.url, {
      requests,
      seed,
      limitMs: minutes * 60_000,
      progress: progressOf(),
    });
  } finally {
    await postgres.stop();
    for (const folder of [dataDir, postgres.dataDir]) rmSync(folder, { recursive: true, force: true });
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const seconds = Math.round((performance.now() - begun) / 1_000);
  if (json) say(JSON.stringify({ seed, seconds, ...report }, null, 2));
  else print(report, seed, seconds);
  return report.findings.length === 0 && report.troubles.length === 0 && report.sent >= requests;
}

function print(report: Report, seed: number, seconds: number): void {
  const { sent, statuses, checked, findings, troubles, untried, memory } = report;
  const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  say(`${sent} requests in ${seconds} s, seed ${seed}; ${checked} answers checked against their schema`);
  say(
    `statuses: ${Object.entries(statuses)
      .map(([status, count]) => `${status}: ${count}`)
      .join(', ')}`,
  );
  say(`memory: ${mib(memory.warm)} after a tenth, ${mib(memory.end)} at the end`);
  if (untried.length > 0) say(`never answered with 2xx: ${untried.join('; ')}`);
  say(`${findings.length} faults in answers, ${troubles.length} beside them`);
  for (const { rule, text, request } of findings)
    say(`  ${rule}: ${text}\n    ${JSON.stringify(request).slice(0, 1_500)}`);
  for (const trouble of troubles.slice(0, 20)) say(`  ${trouble}`);
}

let options: Options;
try {
  options = optionsFrom(process.argv.slice(2));
} catch (error) {
  tell(`${(error as Error).message}\n\n${USAGE}`);
  process.exit(2);
}
const code = (await main(options)) ? 0 : 1;
process.stdout.write('', () => process.exit(code));
