import { randomUUID } from 'node:crypto';
import { ask } from '../load/client.js';
import { callTask } from '../load/load.js';
import { type Scenario } from './scenario.js';
import { underLoad } from './under-load.js';

const CALLERS = 200;
const CALLS = 5;
const PATIENCE_MS = 30_000;
/** The way to the database is slow, so that each connection is busy for long. */
const DELAY_MS = 60;

/** Far more requests than connections: each is answered, by yes or by "try again later", and then all is well again. */
export const pool: Scenario = {
  about: 'Every connection to the database is in use, and requests go on coming.',
  run: (stage) =>
    underLoad(stage, { env: { SKYNET_DB_POOL_SIZE: '2' } }, async (world) => {
      for (const [name, way] of world.ways) {
        if (name.startsWith('replica')) way.set({ kind: 'delay', ms: DELAY_MS });
      }
      const statuses = new Map<string, number>();
      const faults: string[] = [];
      let slowestMs = 0;
      await Promise.all(
        Array.from({ length: CALLERS }, async (_, caller) => {
          for (let call = 0; call < CALLS; call++) {
            const url = world.urls[(caller + call) % world.urls.length] ?? '';
            const key = randomUUID();
            const body = callTask(key);
            const begun = performance.now();
            const answer = await ask(url, 'POST', '/v1/tasks/enqueue', {
              body,
              key,
              patienceMs: PATIENCE_MS,
            }).catch((error: unknown) => ({ status: (error as Error).name }));
            slowestMs = Math.max(slowestMs, performance.now() - begun);
            const status = String(answer.status);
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
            if (status !== '200' && status !== '503') faults.push(`A request was answered ${status}.`);
          }
        }),
      );
      for (const url of world.urls) {
        const answer = await ask(url, 'GET', '/livez').catch(() => ({ status: 'nothing' }));
        if (answer.status !== 200) faults.push(`${url}/livez was answered ${answer.status}.`);
      }
      return {
        numbers: {
          requests: CALLERS * CALLS,
          ...Object.fromEntries([...statuses].map(([status, count]) => [`answered ${status}`, count])),
          'slowest ms': Math.round(slowestMs),
        },
        faults,
      };
    }),
};
