import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestLedger, type TestLedger } from '../support/ledger.js';

let ledger: TestLedger;
beforeAll(async () => (ledger = await startTestLedger()));
afterAll(() => ledger.api.close());

const files = (...names: string[]) => ({ requiredFiles: names });

async function claimed(limit = 10) {
  return ledger.claim('worker', limit);
}

describe('files', () => {
  it('belong to one claim at a time, and pass on when it ends, highest priority first', async () => {
    await ledger.enqueue('a1', files('src/a.ts'));
    await ledger.enqueue('a2', files('./src//a.ts'));
    await ledger.enqueue('a3', { ...files('src\\a.ts'), priority: 5 });
    const [first, ...others] = await claimed();
    expect([first?.id, others]).toEqual(['a3', []]);
    expect([await ledger.gate('a1'), await ledger.gate('a2')]).toEqual([2, 2]);
    if (first) await ledger.finish(first);
    const [second, ...none] = await claimed();
    expect([second?.id, none]).toEqual(['a1', []]);
    if (second) await ledger.finish(second, false);
    const [third] = await claimed();
    expect(third?.id).toBe('a2');
    if (third) await ledger.finish(third);
    expect(await ledger.api.query('select * from file_locks')).toEqual([]);
    expect(await ledger.api.query('select * from file_waits')).toEqual([]);
  });

  it('tell a conflict once for a task and an owner', async () => {
    await ledger.enqueue('b1', files('b'));
    const [owner] = await claimed();
    await ledger.enqueue('b2', files('b2', 'b'));
    await claimed();
    await ledger.api.query(`update tasks set gate = 0 where id = 'b2'`);
    await claimed();
    const events = await ledger.api.query(
      `select payload from events where task_id = 'b2' and event_type = 'claim_conflict'`,
    );
    expect(events.length).toBeLessThanOrEqual(1);
    if (owner) await ledger.finish(owner);
    for (const task of await claimed()) await ledger.finish(task);
  });

  it('do not hold up tasks that need others, however many wait in front', async () => {
    await ledger.enqueue('c0', files('busy'));
    const [owner] = await claimed();
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        ledger.enqueue(`c${index + 1}`, { ...files('busy'), priority: 9 }),
      ),
    );
    await ledger.enqueue('free', files('other'));
    const [task] = await claimed(1);
    expect(task?.id).toBe('free');
    if (task) await ledger.finish(task);
    if (owner) await ledger.finish(owner);
    for (let left = 60; left > 0; left--) {
      const got = await claimed();
      expect(got).toHaveLength(1);
      if (got[0]) await ledger.finish(got[0]);
    }
  });

  it('pass on what they reserved when they are cancelled or wait elsewhere', async () => {
    await ledger.enqueue('e0', files('p'));
    await ledger.enqueue('e1', files('q'));
    const [p, q] = await claimed();
    await ledger.enqueue('both', { ...files('p', 'q'), priority: 9 });
    await ledger.enqueue('only-p', files('p'));
    await ledger.enqueue('only-p-too', files('p'));
    await claimed();
    // "both" is woken for p, finds q taken, and must hand p to the next.
    if (p) await ledger.finish(p);
    const next = await claimed();
    expect(next.map((task) => task.id)).toEqual(['only-p']);
    if (next[0]) await ledger.finish(next[0]);
    // The next one is awake now; cancelled, it hands p to nobody, since nobody is left.
    await ledger.endings.cancel(ledger.database, 'only-p-too', '');
    if (q) await ledger.finish(q);
    const last = await claimed();
    expect(last.map((task) => task.id)).toEqual(['both']);
    if (last[0]) await ledger.finish(last[0]);
    expect(await ledger.upkeep.sweep()).toBe(0);
  });

  it('of a task that nobody can run do not keep others of its path waiting', async () => {
    await ledger.enqueue('l0', files('lane'));
    const [owner] = await claimed();
    await ledger.enqueue('gpu', { ...files('lane'), requiredCapabilities: ['gpu'], priority: 9 });
    await ledger.enqueue('cpu', files('lane'));
    if (owner) await ledger.finish(owner);
    const [task] = await claimed();
    expect(task?.id).toBe('cpu');
    if (task) await ledger.finish(task);
    const [gpu] = await ledger.claim('worker', 1, ['gpu']);
    expect(gpu?.id).toBe('gpu');
    if (gpu) await ledger.finish(gpu);
  });

  it('taken while running are freed with the rest', async () => {
    await ledger.enqueue('t1');
    const [task] = await claimed();
    if (!task) throw new Error('not claimed');
    const take = (name: string) =>
      ledger.claims.takeFile(
        ledger.database,
        { taskId: task.id, claimToken: task.claimToken },
        { path: name, mode: 'write' },
      );
    expect(await take('x/y')).toEqual({ ok: true, owners: ['t1'] });
    expect(await take('x//./y')).toEqual({ ok: true, owners: ['t1'] });
    expect(await take('  ')).toEqual({ ok: false, owners: [] });
    expect(await take('../x')).toEqual({ ok: false, owners: [] });
    await ledger.enqueue('t2', files('x/y'));
    expect(await claimed()).toEqual([]);
    await ledger.finish(task);
    const [next] = await claimed();
    expect(next?.id).toBe('t2');
    if (next) await ledger.finish(next);
  });

  it('are never owned twice when many claim at once', async () => {
    const names = ['m/a', 'm/b', 'm/c'];
    await Promise.all(
      Array.from({ length: 90 }, (_, index) =>
        ledger.enqueue(`m${index}`, files(...names.filter((_name, bit) => ((index % 7) + 1) & (1 << bit)))),
      ),
    );
    let done = 0;
    const owned = new Set<string>();
    const worker = async (name: string) => {
      while (done < 90) {
        const [task] = await ledger.claim(name);
        if (task === undefined) continue;
        for (const file of task.requiredFiles) {
          if (owned.has(file)) throw new Error(`${file} is owned twice`);
          owned.add(file);
        }
        await ledger.start(task);
        for (const file of task.requiredFiles) owned.delete(file);
        const proof = { taskId: task.id, workerId: task.lockedBy, claimToken: task.claimToken };
        await ledger.endings.complete(ledger.database, proof, { success: true, result: {}, error: '' });
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, index) => worker(`w${index}`)));
    expect(await ledger.upkeep.sweep()).toBe(0);
  });
});
