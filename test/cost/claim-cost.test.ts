import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource as DataSourceToken } from 'typeorm';
import { CLAIM_SQL } from '../../src/control-plane/ledger/queries/claim.queries.js';
import { startTestLedger, type TestLedger } from '../support/ledger.js';

const BLOCKED = 100_000;

let ledger: TestLedger;
beforeAll(async () => (ledger = await startTestLedger()));
afterAll(() => ledger.api.close());

/** Pages that one claim touches, hit or read; rolled back, so that it can be measured again. */
async function pagesOfClaim(): Promise<number> {
  const runner = ledger.api.get(DataSourceToken).createQueryRunner();
  try {
    await runner.query('begin');
    const rows = (await runner.query(`explain (analyze, buffers, format json) ${CLAIM_SQL}`, [
      'worker',
      'w',
      [],
      '[]',
      [],
      [],
      ['w'],
      false,
      1,
    ])) as { 'QUERY PLAN': { Plan: Record<string, number> }[] }[];
    await runner.query('rollback');
    const plan = rows[0]?.['QUERY PLAN'][0]?.Plan ?? {};
    return (plan['Shared Hit Blocks'] ?? NaN) + (plan['Shared Read Blocks'] ?? NaN);
  } finally {
    await runner.release();
  }
}

/** The least of several: the first runs of a plan also touch the catalogue. */
async function settled(): Promise<number> {
  const runs = [];
  for (let run = 0; run < 5; run++) runs.push(await pagesOfClaim());
  return Math.min(...runs);
}

describe('the cost of a claim', () => {
  it('is the same number of pages with 100,000 tasks blocked in front, by a dependency and by a held file', async () => {
    await ledger.enqueue('free-1', { priority: -5 });
    const alone = await settled();

    await ledger.enqueue('parent', { priority: 5 });
    await ledger.enqueue('owner', { priority: 5, requiredFiles: ['held'] });
    for (const task of await ledger.claim('w', 2)) expect(['parent', 'owner']).toContain(task.id);
    await ledger.api.query(
      `with parent as (update tasks set has_dependents = true where id = 'parent' returning seq), children as (
         insert into tasks (id, action, params, priority, max_attempts, lease_seconds, gate, pending_dependencies, dependencies)
         select 'child-' || n, 'a', '{}', 4, 5, 300, 1, 1, array['parent'] from generate_series(1, ${BLOCKED}) n returning seq)
       insert into task_dependencies select c.seq, p.seq from children c, parent p`,
    );
    await ledger.api.query(
      `with waiting as (
         insert into tasks (id, action, params, priority, max_attempts, lease_seconds, gate, required_files, file_paths, has_holdings)
         select 'waiting-' || n, 'a', '{}', 4, 5, 300, 2, array['held'], array['held'], true
         from generate_series(1, ${BLOCKED}) n returning seq, project_id, lane, rank)
       insert into file_waits (task_seq, project_id, path, prefix, lane, rank)
       select seq, project_id, 'held', 'held', lane, rank from waiting`,
    );
    await ledger.api.query('analyze');
    const behind = await settled();
    // An index may have grown by one level.
    expect(behind).toBeLessThanOrEqual(alone + 6);
    expect(behind).toBeLessThan(60);
    const [task] = await ledger.claim();
    expect(task?.id).toBe('free-1');
  }, 60_000);

  it('of an owner that ends with 100,000 waiters is one wake-up', async () => {
    const task = await ledger.reader.findTask('owner');
    if (task?.lockedBy === null || task?.claimToken == null) throw new Error('not held');
    const proof = { taskId: 'owner', workerId: task.lockedBy, claimToken: task.claimToken };
    await ledger.endings.complete(ledger.database, proof, { success: false, result: {}, error: '' });
    const [row] = await ledger.api.query<{ n: number }>(
      'select count(*)::int as n from file_waits where woken_at is not null',
    );
    expect(row?.n).toBe(1);
  });

  it('is a few pages more with 100,000 ready tasks in front, and when those are paused; one while all is', async () => {
    await ledger.api.query('truncate tasks, task_dependencies, file_locks, file_waits');
    await ledger.enqueue('free-2', { projectId: 'b' });
    await ledger.api.query('vacuum analyze tasks');
    const alone = await settled();
    await ledger.api.query(
      `insert into tasks (id, project_id, action, params, max_attempts, lease_seconds, gate)
       select 'ready-' || n, 'a', 'a', '{}', 5, 300, 0 from generate_series(1, ${BLOCKED}) n`,
    );
    await ledger.api.query('vacuum analyze tasks');
    expect(await settled()).toBeLessThanOrEqual(alone + 20);
    await ledger.api.post('/v1/projects/a/pause');
    // One more probe, and the row of the pause.
    expect(await settled()).toBeLessThanOrEqual(alone + 26);
    const [task] = await ledger.claim();
    expect(task?.id).toBe('free-2');
    await ledger.api.post('/v1/queue/pause');
    expect(await settled()).toBeLessThanOrEqual(2);
  }, 60_000);
});
