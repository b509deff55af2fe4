import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type ClaimedTask } from '../../src/control-plane/ledger/index.js';
import { startTestLedger, type TestLedger } from '../support/ledger.js';
import { isLong, limitMs } from '../support/long.js';
import { fc } from '../support/properties.js';

/** A task as the rules see it: no gates, no parking, no locks. */
interface ModelTask {
  readonly id: string;
  readonly priority: number;
  readonly dependencies: readonly string[];
  readonly files: readonly string[];
  readonly concurrency: { readonly key: string; readonly limit: number } | null;
  status: string;
}

/** The ledger in a page: everything is looked up anew, nothing is remembered but the tasks. */
class Model {
  readonly tasks: ModelTask[] = [];
  readonly claims = new Map<string, ClaimedTask>();

  private of(id: string): ModelTask {
    const task = this.tasks.find((entry) => entry.id === id);
    if (task === undefined) throw new Error(`No ${id} in the model.`);
    return task;
  }

  private isReady(task: ModelTask): boolean {
    const held = this.tasks.filter(isHeld);
    const owned = new Set(held.flatMap((other) => other.files));
    const { key = null, limit = 0 } = task.concurrency ?? {};
    const isFull = key !== null && held.filter((other) => other.concurrency?.key === key).length >= limit;
    return (
      isWaiting(task) &&
      !isFull &&
      task.dependencies.every((id) => this.of(id).status === 'succeeded') &&
      !task.files.some((file) => owned.has(file))
    );
  }

  next(): ModelTask | undefined {
    return this.tasks.filter((task) => this.isReady(task)).sort((a, b) => b.priority - a.priority)[0];
  }

  enqueue(task: Omit<ModelTask, 'status'>): void {
    const failed = task.dependencies.some((id) => this.of(id).status.startsWith('failed'));
    this.tasks.push({ ...task, status: failed ? 'failed' : 'queued' });
  }

  fail(task: ModelTask): void {
    task.status = 'failed';
    for (const child of this.tasks)
      if (isWaiting(child) && child.dependencies.includes(task.id)) this.fail(child);
  }

  /** Whether a retry is allowed: nothing that the task depends on has failed. */
  canRetry(task: ModelTask): boolean {
    return task.status === 'failed' && !task.dependencies.some((id) => this.of(id).status === 'failed');
  }

  /** Puts a task back, and those that had failed because of a dependency and now have none that has failed. */
  retry(task: ModelTask, cancelled: ReadonlySet<string>): void {
    task.status = 'queued';
    for (const child of this.tasks) {
      if (child.status !== 'failed' || cancelled.has(child.id) || !child.dependencies.includes(task.id))
        continue;
      if (this.canRetry(child)) this.retry(child, cancelled);
    }
  }
}

const isWaiting = (task: ModelTask) => task.status === 'queued' || task.status === 'released';
const isHeld = (task: ModelTask) => task.status === 'claimed' || task.status === 'running';

let ledger: TestLedger;
beforeAll(async () => (ledger = await startTestLedger()));
afterAll(() => ledger.api.close());

/** What a step does; numbers choose among what there is, so that every generated step can be made. */
const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('enqueue' as const),
        pick: fc.nat(),
        files: fc.nat(7),
        places: fc.nat(4),
        priority: fc.nat(2),
      }),
    },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('claim' as const) }) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constantFrom('start', 'succeed', 'fail', 'release', 'cancel', 'retry'),
        pick: fc.nat(),
      }),
    },
  ),
  { minLength: 10, maxLength: 60 },
);

let run = 0;

it(
  'does, step by step, what a ledger of one page does',
  async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        run += 1;
        const model = new Model();
        /** Tasks that failed on their own account: a retry of a dependency does not bring them back. */
        const ownFailures = new Set<string>();
        for (const step of list) {
          if (step.do === 'enqueue') {
            const dependencies = model.tasks
              .filter((_, index) => (step.pick >> (index % 16)) % 5 === 1)
              .map((task) => task.id);
            const files = ['x', 'y', 'z'].filter((_, bit) => step.files & (1 << bit));
            const concurrency = step.places > 2 ? null : { key: 'k', limit: step.places + 1 };
            const id = `m${run}-${model.tasks.length}`;
            const task = { id, priority: step.priority, dependencies, files, concurrency };
            await ledger.enqueue(id, {
              ...{ priority: task.priority, dependencies, requiredFiles: files },
              ...{ concurrencyKey: concurrency?.key ?? null, concurrencyLimit: concurrency?.limit ?? null },
            });
            model.enqueue(task);
          } else if (step.do === 'claim') {
            const [claimed] = await ledger.claim();
            const expected = model.next();
            expect(claimed?.id).toBe(expected?.id);
            if (claimed !== undefined && expected !== undefined) {
              expected.status = 'claimed';
              model.claims.set(claimed.id, claimed);
            }
          } else {
            await act(model, ownFailures, step.do, step.pick);
          }
          const { body } = await ledger.api.fetch('/v1/tasks?limit=1000');
          const real = (body.tasks as { id: string; status: string }[])
            .filter((task) => task.id.startsWith(`m${run}-`))
            .map((task) => `${task.id} ${task.status}`);
          expect(real.reverse()).toEqual(model.tasks.map((task) => `${task.id} ${task.status}`));
        }
        expect(await ledger.upkeep.sweep()).toBe(0);
        for (const task of model.tasks)
          await ledger.endings.cancel(ledger.database, task.id, '').catch(() => undefined);
        await ledger.api.query('truncate tasks, task_dependencies, file_conflicts, events');
      }),
      { numRuns: isLong ? 400 : 40 },
    );
  },
  limitMs(120_000),
);

async function act(model: Model, ownFailures: Set<string>, verb: string, pick: number): Promise<void> {
  const task = model.tasks[pick % Math.max(1, model.tasks.length)];
  if (task === undefined) return;
  const claim = isHeld(task) ? model.claims.get(task.id) : undefined;
  const proof = {
    taskId: task.id,
    workerId: claim?.lockedBy ?? 'worker',
    claimToken: claim?.claimToken ?? 'none',
  };
  const { endings, claims, database } = ledger;
  switch (verb) {
    case 'start':
      expect((await claims.start(database, [proof])).has(proof.taskId)).toBe(task.status === 'claimed');
      if (task.status === 'claimed') task.status = 'running';
      break;
    case 'succeed': {
      const legal = task.status === 'running';
      expect(await endings.complete(database, proof, { success: true, result: {}, error: '' })).toBe(legal);
      if (legal) task.status = 'succeeded';
      break;
    }
    case 'fail': {
      const legal = isHeld(task);
      expect(await endings.complete(database, proof, { success: false, result: {}, error: '' })).toBe(legal);
      if (legal) {
        model.fail(task);
        ownFailures.add(task.id);
      }
      break;
    }
    case 'release': {
      const legal = isHeld(task);
      expect(await endings.release(database, proof, { reason: '' })).toBe(legal);
      if (legal) task.status = 'released';
      break;
    }
    case 'cancel': {
      const legal = isWaiting(task) || isHeld(task);
      const done = await endings.cancel(database, task.id, '').then(
        () => true,
        () => false,
      );
      expect(done).toBe(legal);
      if (legal) {
        model.fail(task);
        ownFailures.add(task.id);
      }
      break;
    }
    case 'retry': {
      const legal = model.canRetry(task);
      const done = await endings.retry(database, task.id, '').then(
        () => true,
        () => false,
      );
      expect(done).toBe(legal);
      if (legal) {
        ownFailures.delete(task.id);
        model.retry(task, ownFailures);
      }
      break;
    }
  }
}
