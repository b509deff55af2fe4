import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { type Answer, ask } from '../load/client.js';
import { callTask } from '../load/load.js';
import { type Scenario } from './scenario.js';
import { underLoad } from './under-load.js';

const ROUNDS = 3;
const CALLERS = 6;
const PAUSE_MS = 20;
const RETRY_AFTER_MS = 50;
const WARM_UP_MS = 2_000;

/** Requests that are sent once more, to the other replica, when the first one did not take them. */
class Callers {
  private ending = false;
  private running: Promise<unknown> | undefined;
  requests = 0;
  retried = 0;
  readonly failed: string[] = [];

  constructor(private readonly urls: readonly string[]) {}

  start(): void {
    this.running = Promise.all(Array.from({ length: CALLERS }, (_, lane) => this.lane(lane)));
  }

  async stop(): Promise<void> {
    this.ending = true;
    await this.running;
  }

  private async lane(lane: number): Promise<void> {
    for (let turn = lane; !this.ending; turn++) {
      this.requests += 1;
      const key = randomUUID();
      const first = await this.once(turn, key);
      if (first.isGood) continue;
      this.retried += 1;
      await wait(RETRY_AFTER_MS);
      const second = await this.once(turn + 1, key);
      if (!second.isGood) this.failed.push(`${first.what}, then ${second.what}`);
      await wait(PAUSE_MS);
    }
  }

  private async once(
    turn: number,
    key: string,
  ): Promise<{ readonly isGood: boolean; readonly what: string }> {
    const url = this.urls[turn % this.urls.length] ?? '';
    const patienceMs = 30_000;
    const [path, request] =
      turn % 3 === 0
        ? ['/v1/tasks?limit=5', ask(url, 'GET', '/v1/tasks?limit=5', { patienceMs })]
        : ['an enqueue', this.enqueue(url, key, patienceMs)];
    const answer = await request.catch((error: unknown) => String((error as Error).cause ?? error));
    if (typeof answer === 'string') return { isGood: false, what: `${path}: ${answer}` };
    return { isGood: answer.status === 200, what: `${path}: ${answer.status}` };
  }

  private enqueue(url: string, key: string, patienceMs: number): Promise<Answer> {
    return ask(url, 'POST', '/v1/tasks/enqueue', { body: callTask(key), key, patienceMs });
  }
}

/** Every replica is replaced, one after the other, while requests go on: none fails that is sent once more. */
export const rolling: Scenario = {
  about: 'All replicas are replaced one after the other under load.',
  run: (stage) =>
    underLoad(stage, { workers: 2 }, async (world) => {
      const callers = new Callers(world.urls);
      callers.start();
      for (let round = 0; round < ROUNDS; round++) {
        for (const [index, replica] of world.of('replica').entries()) {
          await wait(WARM_UP_MS);
          await replica.end('SIGTERM');
          replica.run();
          await replica.untilServing();
          await eventually(
            `${replica.name} is ready`,
            async () => {
              const answer = await ask(world.urls[index] ?? '', 'GET', '/readyz').catch(() => null);
              return answer?.status === 200 ? true : undefined;
            },
            60_000,
          );
        }
      }
      await callers.stop();
      const { requests, retried, failed } = callers;
      return {
        numbers: { replacements: ROUNDS * world.urls.length, requests, retried, failed: failed.length },
        faults: failed.map((what) => `A request failed twice: ${what}.`),
      };
    }),
};
