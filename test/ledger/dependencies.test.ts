import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestLedger, type TestLedger } from '../support/ledger.js';

let ledger: TestLedger;
beforeAll(async () => (ledger = await startTestLedger()));
afterAll(() => ledger.api.close());

async function claimOf(id: string) {
  const [task] = await ledger.claim();
  if (task?.id !== id) throw new Error(`Expected to claim ${id}, got ${task?.id}`);
  return task;
}

describe('dependencies', () => {
  it('hold a task back until all have succeeded', async () => {
    await ledger.enqueue('d1');
    await ledger.enqueue('d2');
    await ledger.enqueue('d3', { dependencies: ['d1', 'd2'], priority: 9 });
    await ledger.finish(await claimOf('d1'));
    expect(await ledger.gate('d3')).toBe(1);
    await ledger.finish(await claimOf('d2'));
    expect(await ledger.gate('d3')).toBe(0);
    await ledger.finish(await claimOf('d3'));
  });

  it('count as met when they had succeeded before', async () => {
    const task = await ledger.enqueue('d4', { dependencies: ['d1', 'd3'] });
    expect(task.gate).toBe(0);
    await ledger.finish(await claimOf('d4'));
  });

  it('take all dependents with them when they fail, in one transaction, and bring them back by a retry', async () => {
    await ledger.enqueue('f1');
    await ledger.enqueue('f2', { dependencies: ['f1'] });
    await ledger.enqueue('f3', { dependencies: ['f2'] });
    await ledger.finish(await claimOf('f1'), false);
    expect((await ledger.reader.findTask('f2'))?.error).toBe("Dependency 'f1' ended failed.");
    expect((await ledger.reader.findTask('f3'))?.error).toBe("Dependency 'f2' ended failed.");
    await expect(ledger.endings.retry(ledger.database, 'f3', '')).rejects.toThrow(
      "Dependency 'f2' ended failed",
    );
    await ledger.endings.retry(ledger.database, 'f1', '');
    expect([await ledger.gate('f1'), await ledger.gate('f2'), await ledger.gate('f3')]).toEqual([0, 1, 1]);
    await ledger.finish(await claimOf('f1'));
    await ledger.finish(await claimOf('f2'));
    await ledger.finish(await claimOf('f3'));
  });

  it('keep a dependent failed that has a second failed dependency', async () => {
    await ledger.enqueue('g1');
    await ledger.enqueue('g2');
    await ledger.enqueue('g3', { dependencies: ['g1', 'g2'] });
    await ledger.finish(await claimOf('g1'), false);
    await ledger.finish(await claimOf('g2'), false);
    await ledger.endings.retry(ledger.database, 'g1', '');
    expect(await ledger.reader.findTask('g3')).toMatchObject({
      status: 'failed',
      error: "Dependency 'g2' ended failed.",
    });
    await ledger.endings.retry(ledger.database, 'g2', '');
    expect(await ledger.gate('g3')).toBe(1);
    await ledger.finish(await claimOf('g1'));
    await ledger.finish(await claimOf('g2'));
    await ledger.finish(await claimOf('g3'));
  });

  it('make a task fail at once when one had failed before', async () => {
    await ledger.enqueue('h1');
    await ledger.finish(await claimOf('h1'), false);
    const task = await ledger.enqueue('h2', { dependencies: ['h1'] });
    expect(task).toMatchObject({ status: 'failed', error: "Dependency 'h1' ended failed." });
    expect((await ledger.reader.findTask('h1'))?.dependents).toEqual(['h2']);
    await ledger.endings.retry(ledger.database, 'h1', '');
    expect(await ledger.gate('h2')).toBe(1);
    await ledger.finish(await claimOf('h1'));
    await ledger.finish(await claimOf('h2'));
  });

  it('are counted again when a cancelled task with open ones is retried', async () => {
    await ledger.enqueue('i1');
    await ledger.enqueue('i2', { dependencies: ['i1'] });
    await ledger.endings.cancel(ledger.database, 'i2', '');
    await ledger.endings.retry(ledger.database, 'i2', '');
    expect(await ledger.gate('i2')).toBe(1);
    await ledger.finish(await claimOf('i1'));
    await ledger.finish(await claimOf('i2'));
  });

  it('are never missed when children arrive while their parent completes', async () => {
    for (let round = 0; round < 40; round++) {
      const parent = `race-${round}`;
      await ledger.enqueue(parent);
      const task = await claimOf(parent);
      await ledger.start(task);
      const proof = { taskId: task.id, workerId: task.lockedBy, claimToken: task.claimToken };
      const children = Array.from({ length: 4 }, (_, index) =>
        ledger.enqueue(`${parent}-child-${index}`, { dependencies: [parent] }),
      );
      await Promise.all([
        ...children,
        ledger.endings.complete(ledger.database, proof, { success: true, result: {}, error: '' }),
      ]);
      const claimed = await ledger.claim('worker', 10);
      expect(claimed.map((child) => child.id).sort()).toEqual(
        [0, 1, 2, 3].map((index) => `${parent}-child-${index}`),
      );
      for (const child of claimed) await ledger.finish(child);
    }
  });
});
