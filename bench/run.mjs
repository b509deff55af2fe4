// The benchmark: ours and its peers in one run. See README.md, or node bench/run.mjs --help.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const HERE = import.meta.dirname;
const USAGE = `node bench/run.mjs [options]

  --case NAME[,NAME]  only these cases
  --list              names the cases and ends
  --targets           only what has a target, as large as in a whole run
  --quick             the order of magnitude, within three minutes
  --tiny              only shows that everything works
  --rounds N          other than the scale's
  --json FILE         writes the results as JSON as well
  --write             writes bench/results.md and bench/results.json
`;

const { values } = parseArgs({
  options: {
    case: { type: 'string', multiple: true, default: [] },
    list: { type: 'boolean' },
    targets: { type: 'boolean' },
    quick: { type: 'boolean' },
    tiny: { type: 'boolean' },
    rounds: { type: 'string' },
    json: { type: 'string' },
    write: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const { cases } = await import('./cases/index.mjs');
if (values.list) {
  for (const { name, about } of cases) console.log(`${name.padEnd(18)} ${about}`);
  process.exit(0);
}

const wanted = values.case.flatMap((text) => text.split(','));
const unknown = wanted.filter((name) => !cases.some((each) => each.name === name));
if (unknown.length > 0)
  fail(`No case is called ${unknown.join(', ')}. They are: ${cases.map(({ name }) => name).join(', ')}.`);
if (values.rounds !== undefined && !/^[1-9]\d*$/.test(values.rounds)) fail('--rounds takes a number from 1.');
if (!existsSync(join(HERE, 'node_modules', 'pg-boss')))
  fail('The peers are not installed. Run: npm ci --prefix bench');
const built = spawnSync(process.execPath, [join(HERE, '..', 'scripts', 'build-if-needed.mjs')], {
  stdio: 'inherit',
});
if (built.status !== 0) process.exit(1);

const { Bench } = await import('./lib/bench.mjs');
const { Cluster } = await import('./lib/cluster.mjs');
const { Progress } = await import('./lib/progress.mjs');
const { markdown, report } = await import('./lib/report.mjs');
const { sizes } = await import('./lib/sizes.mjs');
const { casesWithTargets } = await import('./lib/targets.mjs');

const scale = values.tiny ? 'tiny' : values.quick ? 'quick' : values.targets ? 'targets' : 'full';
const chosen = cases.filter(
  ({ name }) =>
    (wanted.length === 0 || wanted.includes(name)) && (!values.targets || casesWithTargets.has(name)),
);
if (chosen.length === 0) fail('None of these cases has a target. Leave out --targets or --case.');
const progress = new Progress();
const cluster = await Cluster.start();
const bench = new Bench(
  cluster,
  { ...sizes[scale], ...(values.rounds ? { rounds: Number(values.rounds) } : {}) },
  progress,
);

let ending = false;
async function end() {
  if (ending) return;
  ending = true;
  await bench.end();
  await cluster.stop();
}
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    progress.say('Ending early, nothing is written.');
    void end().finally(() => process.exit(130));
  });
}

try {
  for (const [index, each] of chosen.entries()) {
    if (ending) break;
    progress.say(`Case ${index + 1} of ${chosen.length}: ${each.name}`);
    await bench.runCase(each);
  }
  if (!ending) await publish();
} finally {
  await end();
}

async function publish() {
  const results = await report(bench, scale, chosen);
  const text = markdown(results);
  const json = `${JSON.stringify(results, null, 2)}\n`;
  console.log(text);
  if (values.json !== undefined) writeFileSync(values.json, json);
  if (values.write) {
    writeFileSync(join(HERE, 'results.md'), text);
    writeFileSync(join(HERE, 'results.json'), json);
  }
}

/** @param {string} message */
function fail(message) {
  console.error(message);
  process.exit(2);
}
