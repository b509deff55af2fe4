import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type Answer, ask } from '../chaos/load/client.js';

const LANES = 6;
const RETRY_AFTER_MS = 250;
const PATIENCE_MS = 15_000;
const IDLE_MS = 50;

/**
 * Workers that hand tasks in, claim, start and complete them, each request at another replica than the one before. What a
 * replica does not take is sent once more, under the same idempotency key, to the next one.
 */
export class Load {
  readonly accepted: string[] = [];
  requests = 0;
  retried = 0;
  /** Requests that failed twice, and answers that nobody should get. */
  readonly failed: string[] = [];
  private running: Promise<unknown> | undefined;
  private handsIn = true;
  private ending = false;
  private turn = 0;

  /** `urls` may change at any time. */
  constructor(public urls: readonly string[]) {}

  start(): void {
    this.running = Promise.all(Array.from({ length: LANES }, (_, lane) => this.lane(`worker-${lane}`)));
  }

  /** Hands nothing in any more, works off what is there, and returns when nothing is left or the limit is over. */
  async finish(limitMs = 60_000): Promise<void> {
    this.handsIn = false;
    const timer = setTimeout(() => (this.ending = true), limitMs);
    await this.running;
    clearTimeout(timer);
  }

  /** Ends at once, whatever is left. */
  async stop(): Promise<void> {
    this.handsIn = false;
    this.ending = true;
    await this.running;
  }

  private async lane(worker_id: string): Promise<void> {
    while (!this.ending) {
      if (this.handsIn) await this.enqueue(worker_id);
      const claim = await this.call('/v1/tasks/claim', { worker_id, capabilities: [] });
      const task = claim?.body.task as { id: string; claim_token: string } | null | undefined;
      if (task === null || task === undefined) {
        if (!this.handsIn && !(await this.hasOpen())) return;
        await wait(IDLE_MS);
        continue;
      }
      const proof = { worker_id, claim_token: task.claim_token };
      await this.call(`/v1/tasks/${task.id}/start`, proof);
      await this.call(`/v1/tasks/${task.id}/complete`, { ...proof, success: true });
    }
  }

  private async enqueue(worker: string): Promise<void> {
    const task_id = `${worker}-${randomUUID()}`;
    // A third waits for the one before, a third writes a path that others write as well.
    const kind = this.accepted.length % 3;
    const parent = this.accepted.at(-1);
    const answer = await this.call('/v1/tasks/enqueue', {
      ...{ task_id, action: 'work', delivery: 'pull', max_attempts: 100, lease_seconds: 10 },
      ...(kind === 0 && parent !== undefined ? { dependencies: [parent] } : {}),
      ...(kind === 1 ? { required_files: [`src/${this.accepted.length % 5}`] } : {}),
    });
    if (answer !== null) this.accepted.push(task_id);
  }

  private async hasOpen(): Promise<boolean> {
    for (const status of ['queued', 'claimed', 'running', 'released']) {
      const answer = await this.once(0, `/v1/tasks?status=${status}&limit=1`, 'GET');
      if (typeof answer === 'string' || answer.body.tasks.length > 0) return true;
    }
    return false;
  }

  private async call(path: string, body: object): Promise<Answer | null> {
    const key = randomUUID();
    this.requests += 1;
    const turn = this.turn++;
    const first = await this.once(turn, path, 'POST', { body, key });
    if (typeof first !== 'string') return first;
    this.retried += 1;
    await wait(RETRY_AFTER_MS);
    const second = await this.once(turn + 1, path, 'POST', { body, key });
    if (typeof second !== 'string') return second;
    this.failed.push(`${path}: ${first}, then ${second}`);
    return null;
  }

  /** An answer, or in words why there is none. */
  private async once(
    turn: number,
    path: string,
    method: 'GET' | 'POST',
    more: { readonly body?: object; readonly key?: string } = {},
  ): Promise<Answer | string> {
    const url = this.urls[turn % this.urls.length] ?? '';
    try {
      const answer = await ask(url, method, path, { ...more, patienceMs: PATIENCE_MS });
      return answer.status === 200 ? answer : `${answer.status} ${JSON.stringify(answer.body)}`;
    } catch (error) {
      return String((error as Error).cause ?? error);
    }
  }
}
