import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { CLAIM_FROM_MARKS_SQL, CLAIM_SQL } from '../../src/control-plane/ledger/queries/claim.queries.js';
import {
  LOCK_CANDIDATES_SQL,
  LOCK_FROM_MARKS_SQL,
} from '../../src/control-plane/ledger/queries/candidates.queries.js';
import { type Mark } from '../../src/control-plane/ledger/queries/discovery.js';
import { ReadyMarks } from '../../src/control-plane/ledger/ready-marks.service.js';
import { startTestLedger, type TestLedger } from '../support/ledger.js';

const CLAIMED = 4_000;
const LEFT = 500;

let ledger: TestLedger;
let report: pg.Client;
beforeAll(async () => {
  ledger = await startTestLedger();
  await ledger.api.query(
    `insert into tasks (id, action, params, max_attempts, lease_seconds, gate, rank)
     select 't-' || n, 'a', '{}', 5, 300, 0, 1000 from generate_series(1, ${CLAIMED + LEFT}) n`,
  );
  report = new pg.Client({ connectionString: ledger.api.databaseUrl });
  await report.connect();
  await report.query('begin isolation level repeatable read; select count(*) from tasks');
  for (let claimed = 0; claimed < CLAIMED;) claimed += (await ledger.claim('w', 500)).length;
});
afterAll(async () => {
  await report.end();
  await ledger.api.close();
});

async function pagesOf(text: string, values: unknown[]): Promise<number> {
  const { rows } = await report.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
    `explain (analyze, buffers, format json) ${text}`,
    values,
  );
  const plan = rows[0]?.['QUERY PLAN'][0].Plan ?? {};
  return (plan['Shared Hit Blocks'] ?? NaN) + (plan['Shared Read Blocks'] ?? NaN);
}

/** Claims one by one until marks are in force: what is trusted ends after a second, and begins anew with the next claim. */
async function marksInForce(): Promise<readonly Mark[]> {
  for (let claims = 0; claims < 10; claims++) {
    await ledger.claim();
    const marks = ledger.api.get(ReadyMarks).inForce();
    if (marks !== null) return marks;
  }
  throw new Error('No marks are in force.');
}
const columnsOf = (marks: readonly Mark[]) => [
  marks.map(({ lane }) => lane),
  marks.map(({ projectId }) => projectId),
  marks.map(({ rank }) => rank),
  marks.map(({ seq }) => seq),
];

describe('while an old snapshot keeps what has been claimed in the index', () => {
  it('claims begin where the ready tasks do', async () => {
    const marks = await marksInForce();
    expect(marks).toMatchObject([{ lane: 'action/any//', projectId: 'default', rank: 1000 }]);
    const values = ['worker', 'w', [], '[]', [], [], ['w'], false, 1];
    await report.query('rollback; begin');
    const few = await pagesOf(CLAIM_FROM_MARKS_SQL, [...values, ...columnsOf(marks)]);
    expect(few).toBeLessThan(60);
    expect(await pagesOf(CLAIM_SQL, values)).toBeGreaterThan(few * 3);
    await report.query('rollback; begin isolation level repeatable read; select count(*) from tasks');
  });

  it('what becomes ready in front is found at the next look at all, and everything once', async () => {
    await ledger.enqueue('urgent', { priority: 1_000_000_000 });
    await ledger.enqueue('elsewhere', { projectId: 'other', requiredCapabilities: ['gpu'] });
    const found: string[] = [];
    for (;;) {
      const claimed = await ledger.claim('w', 100, ['gpu']);
      if (claimed.length === 0) break;
      found.push(...claimed.map(({ id }) => id));
    }
    expect(new Set(found).size).toBe(found.length);
    expect(found).toEqual(expect.arrayContaining(['urgent', 'elsewhere']));
    const [ready] = await ledger.api.query<{ left: number }>(
      'select count(*)::int as left from tasks where gate = 0',
    );
    expect(ready).toEqual({ left: 0 });
  });

  it('an empty answer has looked at all', async () => {
    expect(await ledger.claim()).toEqual([]);
    await ledger.enqueue('back', { priority: 1_000_000_000 });
    expect((await ledger.claim())[0]?.id).toBe('back');
  });
});

it('claims of tasks with files begin there as well', async () => {
  const columns =
    'id, action, params, max_attempts, lease_seconds, gate, required_files, file_paths, has_holdings';
  await report.query('rollback');
  await ledger.api.query('truncate tasks, file_locks, file_waits');
  await ledger.api.query(
    `insert into tasks (${columns})
     select 'f-' || n, 'a', '{}', 5, 300, 0, array['f-' || n], array['f-' || n], true from generate_series(1, 2500) n`,
  );
  await report.query('begin isolation level repeatable read; select count(*) from tasks');
  for (let batch = 0; batch < 20; batch++) expect(await ledger.claim('w', 100)).toHaveLength(100);
  const marks = await marksInForce();
  const values = ['worker', 'w', [], '[]', [], [], 'default', 4, 1];
  await report.query('rollback; begin');
  const few = await pagesOf(LOCK_FROM_MARKS_SQL, [...values, ...columnsOf(marks)]);
  expect(few).toBeLessThan(60);
  expect(await pagesOf(LOCK_CANDIDATES_SQL, values)).toBeGreaterThan(few * 3);
  await report.query('rollback; begin isolation level repeatable read; select count(*) from tasks');

  await ledger.enqueue('urgent', { priority: 1_000_000_000, requiredFiles: ['u'] });
  const found = new Set<string>();
  for (;;) {
    const claimed = await ledger.claim('w', 100);
    if (claimed.length === 0) break;
    for (const { id } of claimed) found.add(id);
  }
  expect(found.has('urgent')).toBe(true);
  expect(await ledger.api.query('select id from tasks where gate <> 5')).toEqual([]);
});

it('without one the order of service is exact', async () => {
  await report.query('rollback');
  await ledger.api.query('truncate tasks, file_locks, file_waits');
  const marks = ledger.api.get(ReadyMarks);
  for (let index = 0; index < 3; index++) await ledger.enqueue(`plain-${index}`);
  await ledger.claim();
  // Whatever was trusted before ends after a second at most.
  marks.looked(0);
  await ledger.claim();
  expect(marks.inForce()).toBeNull();
  await ledger.enqueue('urgent', { priority: 5 });
  expect((await ledger.claim())[0]?.id).toBe('urgent');
});

it('many lanes and projects are no old snapshot', async () => {
  await ledger.api.query('truncate tasks');
  await ledger.api.query(
    `insert into tasks (id, action, params, max_attempts, lease_seconds, gate, project_id, required_capabilities, lane)
     select 'm-' || n, 'a', '{}', 5, 300, 0, 'p-' || n % 7, array['c-' || n % 400], 'action/any//c-' || n % 400
     from generate_series(1, 4000) n`,
  );
  const all = Array.from({ length: 400 }, (_, index) => `c-${index}`);
  for (const size of [1, 1, 50, 300]) {
    expect(await ledger.claim('w', size, all)).toHaveLength(size);
    expect(ledger.api.get(ReadyMarks).inForce()).toBeNull();
  }
});
