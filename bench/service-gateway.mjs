// The service gateway and its peers: node bench/service-gateway.mjs [--rounds N] [--seconds N] [--json FILE] [--only NAME,…]
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { cpuMs } from './lib/cpu.mjs';
import { median } from './lib/median.mjs';
import { startContenders, startProgram } from './service-gateway/contenders.mjs';

const HERE = import.meta.dirname;
const CONNECTIONS = 64;
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
});
if (!existsSync(join(HERE, 'node_modules', '@fastify', 'http-proxy'))) {
  console.error('The peers are not installed. Run: npm ci --prefix bench');
  process.exit(2);
}
const built = spawnSync(process.execPath, [join(HERE, '..', 'scripts', 'build-if-needed.mjs')], {
  stdio: 'inherit',
});
if (built.status !== 0) process.exit(1);

const run = promisify(execFile);
const load = async ({ port, path, pid }, seconds, rate) => {
  const before = cpuMs(pid);
  const args = [
    join(HERE, 'service-gateway', 'load.mjs'),
    port,
    path,
    CONNECTIONS,
    seconds,
    ...(rate ? [rate] : []),
  ];
  const { stdout } = await run(process.execPath, args.map(String));
  const figures = JSON.parse(stdout);
  if (figures.failures > 0) throw new Error(`${figures.failures} requests failed.`);
  // The CPU of the warm-up is in it as well, in the same proportion for all.
  const warm = Math.min(1, seconds / 4);
  return { ...figures, cpu_us: ((cpuMs(pid) - before) * 1_000) / (figures.rate * (seconds + warm)) };
};

const upstream = await startProgram([process.execPath, join(HERE, 'service-gateway', 'upstream.mjs')]);
const { contenders, missing } = await startContenders(`http://127.0.0.1:${upstream.port}`).catch(
  async (error) => {
    await upstream.stop();
    throw error;
  },
);
const direct = { name: 'no proxy', pid: upstream.child.pid, port: upstream.port, path: '/' };
const wanted = values.only?.split(',');
const chosen =
  wanted === undefined
    ? contenders
    : contenders.filter(({ name }) => wanted.some((part) => name.includes(part)));
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const lines = [...chosen, direct].map((contender) => ({ contender, limits: [], halves: [] }));

try {
  for (const { contender } of lines) await load(contender, 2);
  for (let round = 1; round <= rounds; round++) {
    for (const line of lines) {
      line.limits.push(await load(line.contender, seconds));
      console.error(
        `round ${round}, ${line.contender.name}: ${Math.round(line.limits.at(-1).rate)} per second`,
      );
    }
  }
  const half = Math.round(median(lines[0].limits.map(({ rate }) => rate)) / 2);
  for (let round = 1; round <= rounds; round++) {
    for (const line of lines) line.halves.push(await load(line.contender, seconds, half));
  }
  report(half);
} finally {
  for (const { stop } of contenders) await stop();
  await upstream.stop();
}

function report(half) {
  const of = (all, figure) => median(all.map((each) => each[figure]));
  const directP99 = of(lines.at(-1).halves, 'p99_ms');
  const results = lines.map(({ contender, limits, halves }) => ({
    name: contender.name,
    rate: of(limits, 'rate'),
    rates: limits.map(({ rate }) => rate),
    cpu_us: of(limits, 'cpu_us'),
    p50_ms_at_half: of(halves, 'p50_ms'),
    p99_ms_at_half: of(halves, 'p99_ms'),
    added_p99_ms: of(halves, 'p99_ms') - directP99,
  }));
  const [mine] = results;
  const bare = results.find(({ name }) => name.startsWith('bare'));
  console.log(
    [
      `# Service gateway`,
      '',
      `${CONNECTIONS} kept-alive connections, answers of 1 KB, medians of ${rounds} alternating rounds of ${seconds} s. Node.js ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}. Latencies at ${half} requests a second, half of what the first line can do.`,
      '',
      '| | per second (least–most) | CPU µs a request | p50 ms at half | p99 ms at half | added p99 ms | first / this |',
      '| --- | --: | --: | --: | --: | --: | --: |',
      ...results.map(
        (line) =>
          `| ${line.name} | ${Math.round(line.rate)} (${Math.round(Math.min(...line.rates))}–${Math.round(Math.max(...line.rates))}) | ${line.cpu_us.toFixed(1)} | ${line.p50_ms_at_half.toFixed(2)} | ${line.p99_ms_at_half.toFixed(2)} | ${line.added_p99_ms.toFixed(2)} | ${(mine.rate / line.rate).toFixed(2)} |`,
      ),
      ...missing.map((text) => `\nLeft out: ${text}.`),
      '',
      ...(bare === undefined
        ? []
        : [
            `- at least 0.8 × the bare proxy: ${verdict(mine.rate / bare.rate >= 0.8)}, ${(mine.rate / bare.rate).toFixed(2)}`,
          ]),
      `- added p99 below 5 ms at half its limit: ${verdict(mine.added_p99_ms < 5)}, ${mine.added_p99_ms.toFixed(2)} ms`,
    ].join('\n'),
  );
  if (values.json !== undefined) {
    const json = { rounds, seconds, connections: CONNECTIONS, node: process.version, half, results, missing };
    writeFileSync(values.json, `${JSON.stringify(json, null, 2)}\n`);
  }
}

function verdict(isReached) {
  return isReached ? 'reached' : 'not reached';
}
