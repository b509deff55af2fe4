import { storm } from './scenarios/storm.js';
import { shortestHistory } from './checker/shortest.js';
const t=performance.now();
const r = await storm({ root: process.env['ROOT'] ?? process.cwd(), replicas: 2, gateways: 2, workers: 2, hosts: 2, pgbouncer: process.env['PGB'] ?? null, seed: Number(process.argv[2] ?? 1), points: Number(process.argv[3] ?? 20), pointsPerRound: 20, settleMs: 60000, progress: (l) => process.stderr.write(l + ' ' + Math.round((performance.now()-t)/1000) + 's\n') });
const { history, ...rest } = r;
console.log({...rest, violations: rest.violations.length});
if (history) { for (const v of r.violations.slice(0,10)) console.log(v); console.log(shortestHistory(history, r.violations)); }
