import { inconsistencies } from './consistency.js';
import { Description } from './description.js';
import { fuzz, type Plan, type Result } from './fuzz.js';
import { insidesIn } from './secrets.js';
import { World } from './world.js';

export interface Report extends Result {
  /** What is wrong beside single answers, in sentences: with the log, the memory, the database or the end. */
  readonly troubles: readonly string[];
  /** Operations that have never answered with 2xx, so that little of them was tried. */
  readonly untried: readonly string[];
}

/** What the memory may have grown by after the first requests, whatever was sent. */
const MOST_GROWN = 256 * 2 ** 20;

/** A whole run on a database: begins a control plane, sends, ends it, and looks at what is left. */
export async function runFuzz(databaseUrl: string, plan: Plan): Promise<Report> {
  const description = Description.read();
  const world = await World.start(databaseUrl);
  const troubles: string[] = [];
  let result: Result;
  let isWell: boolean;
  try {
    result = await fuzz(world, description, plan);
    isWell = world.isAlive && (await world.isWell());
  } finally {
    const code = await world.end();
    if (code !== 0) troubles.push(`The control plane ended with ${code}: ${world.log.slice(-2_000)}`);
  }
  if (!isWell) troubles.push('The control plane was not ready at the end.');
  const { warm, end } = result.memory;
  if (end - warm > MOST_GROWN) troubles.push(`The memory grew from ${warm} to ${end} bytes.`);
  troubles.push(...troublesOfLog(world), ...(await inconsistencies(databaseUrl)));
  const succeeds = (name: string) =>
    Object.keys(result.byOperation[name] ?? {}).some((status) => status.startsWith('2'));
  const untried = description.operations.map(({ name }) => name).filter((name) => !succeeds(name));
  return { ...result, troubles, untried };
}

/** Lines of the log that tell what they must not, or that something of ours went wrong. */
function troublesOfLog({ log, secrets }: World): string[] {
  const troubles = new Set<string>();
  for (const line of log.split('\n')) {
    for (const what of secrets.in(line)) troubles.add(`A line of the log tells ${what}.`);
    const isFailure = /"level":"?(?:50|60|error|fatal|critical)/i.test(line);
    if (isFailure) troubles.add(`The log tells of a failure: ${line.slice(0, 600)}`);
    // Where an error came from may stand in a log; what was said to the database may not.
    else if (insidesIn(line).some((what) => what !== 'a stack trace'))
      troubles.add(`A line of the log shows a statement: ${line.slice(0, 600)}`);
  }
  return [...troubles];
}
