// A pull worker: what one keep-alive client does with tasks.
import { setTimeout as wait } from 'node:timers/promises';
import { NotThere } from './serve-calls.mjs';

/** How long a worker that got nothing waits before it asks again. */
const PAUSE_MS = 2;
/** A run in which nothing moves for so long is broken. */
const STUCK_MS = 30_000;

/** @typedef {{ claimed: number, ended: number, count: number, empty: number }} Progress shared by the workers of a run */

export class Worker {
  /** @param {import('./http-client.mjs').Connection} connection @param {string} id */
  constructor(connection, id) {
    this.connection = connection;
    this.id = id;
  }

  /** @returns {Promise<{ id: string, claim_token: string } | null>} */
  async claim() {
    return (await this.connection.post('/v1/tasks/claim', { worker_id: this.id })).task;
  }

  start(task) {
    return this.#held(task, 'start');
  }

  complete(task, extra) {
    return this.#held(task, 'complete', { result: { ok: true }, ...extra });
  }

  /** Claim, start and complete as three calls, until the workers have claimed `count` together. @param {Progress} progress */
  async cycles(progress) {
    let moved = performance.now();
    while (progress.claimed < progress.count) {
      const task = await this.claim();
      if (task === null) {
        progress.empty++;
        if (performance.now() - moved > STUCK_MS) throw new Error('Tasks are left that nobody can claim');
        await wait(PAUSE_MS);
        continue;
      }
      progress.claimed++;
      await this.start(task);
      await this.complete(task);
      progress.ended++;
      moved = performance.now();
    }
  }

  /** Claims and starts in one call and completes in another, until `count` have been claimed together. @param {Progress} progress */
  async twoCalls(progress) {
    const claim = async () =>
      (await this.connection.post('/v1/tasks/claim', { worker_id: this.id, start: true })).task;
    await untilClaimed(progress, claim, (task) => this.complete(task));
  }

  /** One call a task: the completion returns the next claim, already started. @param {Progress} progress */
  async chain(progress) {
    const { tasks } = await this.#claimMany(1);
    let [task] = tasks;
    while (task !== undefined) {
      progress.claimed++;
      const { next } = await this.complete(task, { claim_next: { start: true } });
      if (next === undefined) throw new NotThere('not there: claim_next on POST /v1/tasks/{id}/complete');
      progress.ended++;
      task = next.tasks?.[0] ?? next.task ?? undefined;
    }
  }

  /** Batches of `size` until nothing is left. @param {{ ended: number }} progress @param {number} size */
  async drain(progress, size) {
    let { tasks } = await this.#claimMany(size);
    while (tasks.length > 0) {
      const { results, next } = await this.#completeMany(tasks, { max: size, start: true });
      if (!results.every(({ ok }) => ok)) throw new Error('A completion of a batch was refused');
      progress.ended += tasks.length;
      tasks = (next ?? (await this.#claimMany(size))).tasks;
    }
  }

  async #claimMany(max) {
    const answer = await this.connection.post('/v1/tasks/claim', { worker_id: this.id, max, start: true });
    if (!Array.isArray(answer.tasks)) {
      await this.#giveBack(answer.task);
      throw new NotThere('not there: max on POST /v1/tasks/claim');
    }
    return answer;
  }

  /** A server that does not know `max` has claimed one task all the same. */
  async #giveBack(task) {
    if (task !== null) await this.#held(task, 'release');
  }

  async #completeMany(tasks, claimNext) {
    const items = tasks.map(({ id, claim_token }) => ({ task_id: id, claim_token, result: { ok: true } }));
    try {
      return await this.connection.post('/v1/tasks/complete', {
        worker_id: this.id,
        items,
        claim_next: claimNext,
      });
    } catch (error) {
      if (error.status === 404 || error.status === 405)
        throw new NotThere('not there: POST /v1/tasks/complete');
      throw error;
    }
  }

  #held({ id, claim_token }, verb, extra) {
    const path = `/v1/tasks/${encodeURIComponent(id)}/${verb}`;
    return this.connection.post(path, { worker_id: this.id, claim_token, ...extra });
  }
}

/** A host, which pulls jobs. */
export class Host {
  /** @param {import('./http-client.mjs').Connection} connection @param {string} id */
  constructor(connection, id) {
    this.connection = connection;
    this.id = id;
  }

  register() {
    return this.connection.post('/v1/hosts/register', { hostId: this.id, name: this.id, maxParallel: 4 });
  }

  /** The same as {@link Worker.twoCalls} with jobs. @param {Progress} progress */
  async twoCalls(progress) {
    const claim = async () => (await this.connection.post(`/v1/hosts/${this.id}/claim`, {})).job;
    await untilClaimed(progress, claim, ({ id, leaseToken }) =>
      this.connection.post(`/v1/jobs/${id}/complete`, {
        ...{ hostId: this.id, leaseToken, success: true, durationMs: 1, exitCode: 0, stdout: '', stderr: '' },
      }),
    );
  }
}

/** @param {Progress} progress @param {() => Promise<any>} claim @param {(task: any) => Promise<unknown>} complete */
async function untilClaimed(progress, claim, complete) {
  let moved = performance.now();
  while (progress.claimed < progress.count) {
    const task = await claim();
    if (task === null) {
      progress.empty++;
      if (performance.now() - moved > STUCK_MS) throw new Error('Work is left that nobody can claim');
      await wait(PAUSE_MS);
      continue;
    }
    progress.claimed++;
    await complete(task);
    progress.ended++;
    moved = performance.now();
  }
}
