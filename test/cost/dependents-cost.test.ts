import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { TASK_COLUMNS } from '../../src/control-plane/ledger/queries/task-row.js';
import { startTestLedger, type TestLedger } from '../support/ledger.js';

const FAN = 20_000;

let ledger: TestLedger;
beforeAll(async () => (ledger = await startTestLedger()));
afterAll(() => ledger.api.close());

it('reading a task with one dependent touches a handful of pages, whatever others have', async () => {
  await ledger.enqueue('root');
  await ledger.api.query(
    `with root as (update tasks set has_dependents = true where id = 'root' returning seq), children as (
       insert into tasks (id, action, params, max_attempts, lease_seconds, gate, pending_dependencies, dependencies)
       select 'child-' || n, 'a', '{}', 5, 300, 1, 1, array['root'] from generate_series(1, ${FAN}) n returning seq)
     insert into task_dependencies select c.seq, r.seq from children c, root r`,
  );
  await ledger.api.query('vacuum analyze');
  await ledger.enqueue('parent');
  await ledger.enqueue('only-child', { dependencies: ['parent'] });
  const [row] = await ledger.api.query<{ 'QUERY PLAN': { Plan: Record<string, number> }[] }>(
    `explain (analyze, buffers, format json) select ${TASK_COLUMNS} from tasks t where t.id = 'parent'`,
  );
  const plan = row?.['QUERY PLAN'][0]?.Plan ?? {};
  expect((plan['Shared Hit Blocks'] ?? NaN) + (plan['Shared Read Blocks'] ?? NaN)).toBeLessThan(30);
  expect((await ledger.reader.findTask('parent'))?.dependents).toEqual(['only-child']);
});
