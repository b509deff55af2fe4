import { expect } from '@jest/globals';
import { type ClaimedTask, type ClaimProof } from '../../src/control-plane/ledger/index.js';
import { type TestLedger } from './ledger.js';

export function keyed(
  concurrencyKey: string,
  concurrencyLimit = 1,
): { concurrencyKey: string; concurrencyLimit: number } {
  return { concurrencyKey, concurrencyLimit };
}

export function idsOf(tasks: readonly ClaimedTask[]): string[] {
  return tasks.map(({ id }) => id);
}

export function proofOf(task: ClaimedTask): ClaimProof {
  return { taskId: task.id, workerId: task.lockedBy, claimToken: task.claimToken };
}

export async function emptyLedger(ledger: TestLedger): Promise<void> {
  await ledger.api.query(
    'truncate tasks, task_dependencies, file_locks, file_waits, file_conflicts, concurrency_holds, events',
  );
}

/** What must hold for concurrency keys between any two calls. */
export async function expectKeysInOrder(ledger: TestLedger): Promise<void> {
  const wrong = await ledger.api.query(
    `select t.id, h.task_seq from tasks t full join concurrency_holds h
       on h.task_seq = t.seq and h.project_id = t.project_id and h.key = t.concurrency_key
     where coalesce(t.gate = 5 and t.concurrency_key is not null, false) is distinct from (h.task_seq is not null)`,
  );
  expect(wrong).toEqual([]);
  const forgotten = await ledger.api.query(
    `select t.id from tasks t
     where t.gate = 4 and t.concurrency_limit >
         (select count(*) from concurrency_holds h where h.project_id = t.project_id and h.key = t.concurrency_key)
       and not exists (select from tasks r where r.gate = 0 and r.project_id = t.project_id
         and r.concurrency_key = t.concurrency_key and r.lane = t.lane)`,
  );
  expect(forgotten).toEqual([]);
  expect(
    await ledger.api.query('select from file_waits w join tasks t on t.seq = w.task_seq and t.gate = 4'),
  ).toEqual([]);
  expect(await ledger.upkeep.sweep()).toBe(0);
}
