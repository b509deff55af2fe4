// From enqueue to the gateway receiving /action, on an idle system: node bench/dispatch-latency.mjs [--tasks N] [--rate N] [--json]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { EmbeddedPostgres } from '../dist/platform/embedded-postgres/index.js';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '300' },
    rate: { type: 'string', default: '10' },
    json: { type: 'boolean' },
  },
});
const [tasks, rate] = [Number(values.tasks), Number(values.rate)];
const WARM_UP = 20;

const folder = mkdtempSync(join(tmpdir(), 'skynet-bench-'));
const postgres = await EmbeddedPostgres.start({ dataDir: folder });
const arrivals = new Map();
const gateway = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    response.setHeader('content-type', 'application/json');
    if (request.url === '/status') return response.end('{"agent_connected":true}');
    arrivals.set(JSON.parse(Buffer.concat(chunks).toString()).task_id, performance.now());
    response.end('{"status":"success","result":{"returncode":0}}');
  });
});
await new Promise((done) => gateway.listen(0, '127.0.0.1', done));

const server = spawn(process.execPath, [join(import.meta.dirname, '..', 'bin', 'skynet'), 'serve'], {
  env: {
    ...process.env,
    DATABASE_URL: postgres.url,
    SKYNET_PORT: '0',
    SKYNET_LOG_LEVEL: 'silent',
    SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '0',
    OPENCLAW_GATEWAY_URLS: `http://127.0.0.1:${gateway.address().port}`,
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
let said = '';
server.stdout.on('data', (chunk) => (said += chunk));
let url;
while ((url = /control plane: (\S+)/.exec(said)?.[1]) === undefined) await wait(20);

const sql = new pg.Client({ connectionString: postgres.url });
await sql.connect();
const counters = async () => {
  const { rows } = await sql.query(
    `select (select wal_bytes from pg_stat_wal)::float8 as wal, xact_commit::float8 as commits,
       (blks_hit + blks_read)::float8 as buffers from pg_stat_database where datname = current_database()`,
  );
  return rows[0];
};

async function run(prefix, count) {
  const sent = new Map();
  for (let index = 0; index < count; index++) {
    const id = `${prefix}-${index}`;
    const began = performance.now();
    sent.set(id, began);
    const response = await fetch(`${url}/v1/tasks/enqueue`, {
      method: 'POST',
      body: JSON.stringify({ task_id: id, action: 'git_status' }),
    });
    if (!response.ok) throw new Error(await response.text());
    await response.arrayBuffer();
    if (!values.json && process.stderr.isTTY) process.stderr.write(`\r${prefix} ${index + 1}/${count} `);
    await wait(Math.max(0, 1_000 / rate - (performance.now() - began)));
  }
  while (![...sent.keys()].every((id) => arrivals.has(id))) await wait(10);
  return [...sent].map(([id, began]) => arrivals.get(id) - began).sort((a, b) => a - b);
}

await run('warm-up', WARM_UP);
await wait(1_500);
const before = await counters();
const times = await run('measured', tasks);
await wait(1_500);
const after = await counters();

const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
const per = (name) => (after[name] - before[name]) / tasks;
const result = {
  tasks,
  rate_per_second: rate,
  cpus: cpus().length,
  node: process.version,
  p50_ms: at(0.5),
  p90_ms: at(0.9),
  p99_ms: at(0.99),
  max_ms: times.at(-1),
  wal_bytes_per_task: per('wal'),
  commits_per_task: per('commits'),
  buffers_per_task: per('buffers'),
};
if (values.json) console.log(JSON.stringify(result));
else {
  console.log('\n| figure | value |\n| --- | --- |');
  for (const [name, value] of Object.entries(result)) {
    console.log(
      `| ${name} | ${typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(2) : value} |`,
    );
  }
}

await sql.end();
server.kill('SIGTERM');
await new Promise((done) => server.once('exit', done));
gateway.close();
gateway.closeAllConnections();
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
process.exit(0);
