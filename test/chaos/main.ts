import { join } from 'node:path';
import { bugNames, findBug } from './bugs.js';
import { type Options, optionsFrom, USAGE } from './options.js';
import { line, type Outcome } from './report.js';
import { scenarios } from './scenarios/index.js';
import { type Scenario, type Stage } from './scenarios/scenario.js';
import { PgBouncer } from './world/pgbouncer.js';
import { World } from './world/world.js';

const say = (text: string) => void process.stdout.write(`${text}\n`);
const tell = (text: string) => void process.stderr.write(`${text}\n`);

/** A line that is written over where somebody watches; elsewhere now and then a line of its own. */
function progressOf(name: string): (text: string) => void {
  let toldAt = -Infinity;
  return (text) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${name}: ${text}`);
    else if (performance.now() - toldAt > 15_000) {
      toldAt = performance.now();
      tell(`${name}: ${text}`);
    }
  };
}

async function runScenario(name: string, scenario: Scenario, stage: Stage): Promise<Outcome> {
  const begun = performance.now();
  const result = await scenario.run(stage);
  return { scenario: name, seed: stage.seed, seconds: (performance.now() - begun) / 1_000, ...result };
}

function* wanted(options: Options): Iterable<readonly [string, (stage: Stage) => Promise<Outcome>]> {
  const all: Record<string, (stage: Stage) => Promise<Outcome>> = options.bugs
    ? Object.fromEntries(bugNames().map((name) => [name, (stage: Stage) => findBug(name, stage)]))
    : Object.fromEntries(
        Object.entries(scenarios).map(([name, scenario]) => [
          name,
          (stage: Stage) => runScenario(name, scenario, stage),
        ]),
      );
  for (const name of options.only ?? Object.keys(all)) {
    const run = all[name];
    if (run === undefined)
      throw new Error(`There is no '${name}'; there are ${Object.keys(all).join(', ')}.`);
    yield [name, run];
  }
}

async function main(options: Options): Promise<boolean> {
  const missing = options.pgbouncer === null ? 'not wanted' : PgBouncer.missing(options.pgbouncer);
  if (!options.bugs)
    tell(missing === null ? 'With PgBouncer in transaction mode.' : `Without PgBouncer: ${missing}.`);
  const pgbouncer = missing === null ? options.pgbouncer : null;
  const runs = [...wanted(options)];
  const outcomes: Outcome[] = [];
  for (const [name, run] of runs) {
    tell(`${name}: seed ${options.seed}`);
    const { seed, points } = options;
    const root = join(import.meta.dirname, '..', '..');
    const outcome = await run({ root, seed, points, pgbouncer, progress: progressOf(name) });
    outcomes.push(outcome);
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    if (options.json) continue;
    say(line(outcome));
    for (const fault of outcome.faults.slice(0, 10)) say(`  ${fault}`);
    if (outcome.faults.length > 0 || options.bugs) for (const shown of outcome.evidence) say(`    ${shown}`);
    if (outcome.faults.length > 0) say(`  again: npm run test:chaos -- --only ${name} --seed ${seed}`);
  }
  if (options.json) say(JSON.stringify(outcomes, null, 2));
  return outcomes.every(({ faults }) => faults.length === 0);
}

let options: Options;
try {
  options = optionsFrom(process.argv.slice(2));
} catch (error) {
  tell(`${(error as Error).message}\n\n${USAGE}`);
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void World.closeAll().finally(() => process.exit(130)));
}
const code = (await main(options)) ? 0 : 1;
// Not by itself: Node 20 can turn for ever in taking down sockets that were reset while they connected.
process.stdout.write('', () => process.exit(code));
