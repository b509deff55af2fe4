import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { type World } from '../world/world.js';
import { type Scenario } from './scenario.js';
import { underLoad } from './under-load.js';

const ROUNDS = 4;
const LIMIT_MS = 20_000;
/** Longer than a replica waits for what it executes, so that something has to be handed back. */
const LONG_SECONDS = 16;
const WARM_UP_MS = 3_000;

const nameOf = (index: number) => `scheduler${index + 1}`;

/** What a replica's dispatcher holds. */
async function heldBy(world: World, index: number): Promise<number> {
  const [row] = await world.read<{ held: string }>(
    'select count(*) as held from tasks where locked_by like $1',
    [`${nameOf(index)}-%`],
  );
  return Number(row?.held);
}

/** SIGTERM under load: within 20 s the process has ended well, and nothing is held in its name. */
export const leaving: Scenario = {
  about: 'A replica is told to end under load, and hands back what it holds.',
  run: (stage) =>
    underLoad(
      stage,
      { gateways: 2, envOf: (index) => ({ SKYNET_CONTROL_SCHEDULER_WORKER_ID: nameOf(index) }) },
      async (world, load) => {
        const faults: string[] = [];
        let slowestMs = 0;
        let handedBack = 0;
        for (let round = 0; round < ROUNDS; round++) {
          const index = round % world.urls.length;
          const replica = world.of('replica')[index];
          if (replica === undefined) throw new Error('There is no such replica.');
          await wait(WARM_UP_MS);
          await load.submitLong(4, LONG_SECONDS);
          await eventually(
            'it holds something',
            async () => ((await heldBy(world, index)) > 0 ? true : undefined),
            30_000,
          );
          const begun = performance.now();
          const code = await replica.end('SIGTERM');
          const tookMs = performance.now() - begun;
          const held = await heldBy(world, index);
          slowestMs = Math.max(slowestMs, tookMs);
          if (code !== 0) faults.push(`${replica.name} ended with ${code}.`);
          if (tookMs > LIMIT_MS) faults.push(`${replica.name} took ${Math.round(tookMs)} ms to end.`);
          if (held > 0) faults.push(`${held} tasks were still held by ${replica.name}.`);
          const [row] = await world.read<{ back: string }>(
            `select count(*) as back from events where event_type = 'released' and message like '%shutting down%'`,
          );
          handedBack = Number(row?.back);
          replica.run();
          await replica.untilServing();
        }
        return {
          numbers: { rounds: ROUNDS, 'slowest end ms': Math.round(slowestMs), 'handed back': handedBack },
          faults,
        };
      },
    ),
};
