import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Random } from '../random.js';
import { type World } from '../world/world.js';
import { type Scenario } from './scenario.js';
import { underLoad } from './under-load.js';

const OFFSET_MS = 10 * 60_000;
const KILLS = 6;
const PRELOAD = join(import.meta.dirname, '..', 'world', 'shifted-clock.mjs');

async function killNowAndThen(world: World, random: Random): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    await wait(random.whole(1_500, 3_000));
    const part = random.oneOf([...world.of('replica'), ...world.of('worker')]);
    await part.end('SIGKILL');
    part.run();
  }
  await wait(3_000);
}

/** One replica thinks that it is ten minutes later, another that it is ten minutes earlier; both are killed now and then. */
export const clock: Scenario = {
  about: 'One clock is ten minutes fast, another ten minutes slow.',
  run: (stage) =>
    underLoad(
      stage,
      {
        envOf: (index) => ({
          NODE_OPTIONS: `--import ${PRELOAD}`,
          CHAOS_CLOCK_OFFSET_MS: String(index === 0 ? OFFSET_MS : -OFFSET_MS),
        }),
      },
      async (world) => {
        await killNowAndThen(world, new Random(stage.seed));
        // Times in the log are the database's, so none of them is off.
        const [row] = await world.read<{ off: string }>(
          `select count(*) as off from events where abs(extract(epoch from created_at - now())) > 300`,
        );
        const off = Number(row?.off);
        return {
          numbers: { kills: KILLS, 'offset ms': OFFSET_MS, 'events off': off },
          faults: off === 0 ? [] : [`${off} events have a time that is minutes off.`],
        };
      },
    ),
};
