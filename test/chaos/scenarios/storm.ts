import { check } from '../checker/check.js';
import { type History, type Violation } from '../checker/history.js';
import { Load } from '../load/load.js';
import { Nemesis } from '../nemesis/nemesis.js';
import { historyOf, settle } from '../observe.js';
import { Random } from '../random.js';
import { faultsOf } from '../report.js';
import { World, type WorldOptions } from '../world/world.js';
import { type Scenario } from './scenario.js';

export interface StormOptions extends WorldOptions {
  readonly seed: number;
  readonly points: number;
  /** After so many points all is mended, everything has to end, and what happened is checked. */
  readonly pointsPerRound: number;
  /** How long ends may take then. */
  readonly settleMs: number;
  /** After so long no further round is begun. */
  readonly limitMs: number;
  /** Hears how far it is. */
  readonly progress: (line: string) => void;
}

/** The part of a round in which tasks are handed in; the rest of it falls on what is still open. */
const LOADED = 0.7;

export interface StormResult {
  readonly points: number;
  readonly tasks: number;
  readonly events: number;
  readonly runs: number;
  readonly violations: readonly Violation[];
  /** Of the round that broke a promise. */
  readonly history: History | null;
  /** What was done in that round, and what else there is to know of it. */
  readonly diary: readonly string[];
}

/** A whole installation under load, and a nemesis. Ends at the first round that breaks a promise, or when all points are done. */
export async function storm(options: StormOptions): Promise<StormResult> {
  const random = new Random(options.seed);
  const end = performance.now() + options.limitMs;
  const world = await World.start(options);
  const count = { points: 0, tasks: 0, events: 0, runs: 0 };
  let from = { event: 0, trace: 0 };
  try {
    for (let round = 1; count.points < options.points && performance.now() < end; round++) {
      const load = new Load(world, random.fork(), `r${round}`);
      const nemesis = new Nemesis(world, random.fork());
      load.start();
      nemesis.start();
      const begun = count.points;
      const target = Math.min(begun + options.pointsPerRound, options.points);
      let stopped: Promise<void> | undefined;
      while (count.points < target) {
        // What comes last has nothing behind it that would wake anybody up, so it has to be done by itself.
        if (count.points - begun >= LOADED * options.pointsPerRound) stopped ??= load.stop();
        await nemesis.point();
        count.points += 1;
        options.progress(
          `${count.points} of ${options.points} points, ${count.tasks + load.submitted.length} tasks`,
        );
      }
      await nemesis.rest();
      await (stopped ?? load.stop());
      await settle(world, options.settleMs);
      const { history, next } = await historyOf(world, load, from);
      from = next;
      count.tasks += load.submitted.length;
      count.events += history.events.length;
      count.runs += history.effects.length;
      const violations = check(history);
      if (violations.length > 0) {
        const diary = [
          ...nemesis.diary,
          ...load.refusals.map((line) => `refused ${line}`),
          ...complaints(world),
        ];
        return { ...count, violations, history, diary };
      }
    }
    return { ...count, violations: [], history: null, diary: [] };
  } finally {
    await world.close();
  }
}

/** What the control planes have complained of: a healthy one logs no errors, so it may say what was wrong. */
function complaints(world: World): string[] {
  return world.of('replica').flatMap(({ name, said }) =>
    said
      .split('\n')
      .filter((line) => /"level":"?(error|50)/i.test(line))
      .slice(-5)
      .map((line) => `${name} said ${line.slice(0, 300)}`),
  );
}

/** Bounds of a run, by its points. */
const MS_PER_POINT = 6_000;

export const stormScenario: Scenario = {
  about: 'Everything is killed, stopped and cut, under load.',
  run: async ({ root, seed, points, pgbouncer, progress }) => {
    const result = await storm({
      ...{ root, seed, points, pgbouncer, progress },
      ...{ replicas: points > 500 ? 3 : 2, gateways: 2, workers: 2, hosts: 2 },
      ...{ pointsPerRound: 20, settleMs: 90_000, limitMs: 120_000 + points * MS_PER_POINT },
    });
    const { history, violations, diary, ...numbers } = result;
    if (history === null) {
      const isShort = numbers.points < points;
      const faults = isShort
        ? [`Only ${numbers.points} of ${points} points in the time that they may take.`]
        : [];
      return { numbers, faults, evidence: [] };
    }
    const { faults, evidence } = faultsOf(history, violations);
    return { numbers, faults, evidence: [...evidence, ...diary] };
  },
};
