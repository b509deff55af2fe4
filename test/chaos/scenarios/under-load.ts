import { check } from '../checker/check.js';
import { type Violation } from '../checker/history.js';
import { Load } from '../load/load.js';
import { historyOf, settle } from '../observe.js';
import { Random } from '../random.js';
import { faultsOf } from '../report.js';
import { World, type WorldOptions } from '../world/world.js';
import { type Result, type Stage } from './scenario.js';

const SETTLE_MS = 120_000;

/** What a scenario does while the load runs: numbers to report, and what went wrong beside the history. */
export interface Happened {
  readonly numbers: Readonly<Record<string, number | string>>;
  readonly faults: readonly string[];
}

/**
 * Builds a world, lets something happen to it under load, mends all, waits for every end and checks the history. Small
 * worlds: what is tried is one thing at a time.
 */
export async function underLoad(
  { root, seed, pgbouncer }: Stage,
  more: Partial<WorldOptions>,
  happen: (world: World, load: Load) => Promise<Happened>,
): Promise<Result> {
  const size = { replicas: 2, gateways: 1, workers: 1, hosts: 1 };
  const world = await World.start({ root, pgbouncer, ...size, ...more });
  try {
    const load = new Load(world, new Random(seed), 't');
    load.start();
    const { numbers, faults } = await happen(world, load).finally(() => load.stop());
    await world.mend();
    await settle(world, SETTLE_MS);
    const { history } = await historyOf(world, load, { event: 0, trace: 0 });
    const violations: Violation[] = check(history);
    const found = faultsOf(history, violations);
    return {
      numbers: { ...numbers, tasks: history.submitted.length, events: history.events.length },
      faults: [...faults, ...load.refusals.map((line) => `refused: ${line}`), ...found.faults],
      evidence: found.evidence,
    };
  } finally {
    await world.close();
  }
}
