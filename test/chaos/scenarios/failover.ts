import { setTimeout as wait } from 'node:timers/promises';
import { insist } from '../load/client.js';
import { callTask } from '../load/load.js';
import { type Scenario } from './scenario.js';
import { underLoad } from './under-load.js';

const BEFORE_MS = 8_000;
const AFTER_MS = 8_000;
const LIMIT_MS = 60_000;

/** Commits are answered when the standby has them, so what was accepted is there after it has taken over. */
export const failover: Scenario = {
  about: 'The primary is gone, its standby takes over, and the address moves.',
  run: (stage) =>
    underLoad(stage, {}, async (world) => {
      await world.postgres.replicateSynchronously();
      await wait(BEFORE_MS);
      const begun = performance.now();
      await world.failOver();
      const promotedMs = performance.now() - begun;
      const accepted = await insist(world.urls, '/v1/tasks/enqueue', callTask('after'), {
        ...{ key: 'after', first: 0, limitMs: LIMIT_MS },
      });
      const acceptedMs = performance.now() - begun;
      const faults = accepted?.status === 200 ? [] : ['No task was accepted after the failover.'];
      await wait(AFTER_MS);
      return {
        numbers: {
          'promoted after ms': Math.round(promotedMs),
          'accepting after ms': Math.round(acceptedMs),
        },
        faults,
      };
    }),
};
