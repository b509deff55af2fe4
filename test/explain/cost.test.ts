import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource as DataSourceToken } from 'typeorm';
import { IN_FLIGHT } from '../../src/control-plane/ledger/queries/lease.queries.js';
import { KEY_SITUATION_SQL } from '../../src/control-plane/ledger/queries/key-situation.queries.js';
import { SITUATION_SQL } from '../../src/control-plane/ledger/queries/situation.queries.js';
import { Stage } from './support.js';

const BLOCKED = 100_000;
const STATEMENTS = { ...SITUATION_SQL, ...KEY_SITUATION_SQL, IN_FLIGHT };

let stage: Stage;
beforeAll(async () => (stage = await Stage.open()));
afterAll(() => stage.close());

/** Pages that a statement touches, hit or read; the least of several, since the first runs also touch the catalogue. */
async function pagesOf({ text }: { readonly text: string }, values: unknown[]): Promise<number> {
  const runs: number[] = [];
  for (let run = 0; run < 3; run++) {
    const rows: { 'QUERY PLAN': { Plan: Record<string, number> }[] }[] = await stage.api
      .get(DataSourceToken)
      .query(`explain (analyze, buffers, format json) ${text}`, values);
    const plan = rows[0]?.['QUERY PLAN'][0]?.Plan ?? {};
    runs.push((plan['Shared Hit Blocks'] ?? NaN) + (plan['Shared Read Blocks'] ?? NaN));
  }
  return Math.min(...runs);
}

describe('an explanation among 300,000 tasks that wait and 100,000 that workers hold', () => {
  beforeAll(async () => {
    await stage.worker('w');
    await stage.add('parent', { priority: 9 });
    await stage.add('owner', { priority: 9, required_files: ['held/'] });
    await stage.claim();
    await stage.claim();
    const columns = 'id, action, params, priority, max_attempts, lease_seconds, gate';
    await stage.api.query(
      `with parent as (update tasks set has_dependents = true where id = 'parent' returning seq), children as (
         insert into tasks (${columns}, pending_dependencies, dependencies)
         select 'child-' || n, 'a', '{}', 4, 5, 300, 1, 1, array['parent'] from generate_series(1, ${BLOCKED}) n returning seq)
       insert into task_dependencies select c.seq, p.seq from children c, parent p`,
    );
    await stage.api.query(
      `with waiting as (
         insert into tasks (${columns}, required_files, file_paths, has_holdings)
         select 'waiting-' || n, 'a', '{}', 4, 5, 300, 2, array['held/' || n % 1000], array['held/' || n % 1000], true
         from generate_series(1, ${BLOCKED}) n returning seq, project_id, lane, rank, file_paths)
       insert into file_waits (task_seq, project_id, path, prefix, lane, rank)
       select seq, project_id, file_paths[1], file_paths[1], lane, rank from waiting`,
    );
    await stage.api.query(
      `insert into tasks (${columns}) select 'ready-' || n, 'a', '{}', 4, 5, 300, 0 from generate_series(1, ${BLOCKED}) n`,
    );
    await stage.api.query(
      `insert into tasks (${columns}, status, holder, locked_by, claim_token, locked_at, lease_expires_at)
       select 'held-' || n, 'a', '{}', 4, 5, 300, 5, 'running', 'worker', 'w', 'x', now(), now() + interval '1 day'
       from generate_series(1, ${BLOCKED}) n`,
    );
    await stage.api.query(
      `insert into tasks (${columns}, concurrency_key, has_holdings)
       select 'keyed-' || n, 'a', '{}', 4, 5, 300, 4, 'k', true from generate_series(1, ${BLOCKED / 10}) n`,
    );
    await stage.api.query(
      `insert into concurrency_holds (task_seq, project_id, key)
       select seq, 'default', 'k' from tasks where gate = 5 order by seq limit 100`,
    );
    await stage.add('last-keyed', { concurrency_key: 'k' });
    await stage.add('last-child', { dependencies: ['parent'] });
    await stage.add('last-waiting', { required_files: ['held/', 'held/7'] });
    await stage.add('last-ready', { priority: -1 });
    await stage.api.query('analyze');
  }, 60_000);

  it('names what is in the way', async () => {
    const codes = async (id: string) => (await stage.explain(id)).reasons.map(({ code }) => code);
    expect(await codes('last-child')).toEqual(['waiting_for_dependency']);
    expect(await codes('last-ready')).toEqual(['queued_behind']);
    const [reason] = (await stage.explain('last-waiting')).reasons;
    expect(reason?.details['files']).toMatchObject([
      { path: 'held/', place_is_at_least: true, owners: [{ task_id: 'owner' }] },
      { path: 'held/7', place_is_at_least: true, owners: [{ task_id: 'owner' }] },
    ]);
    expect(await codes('keyed-1')).toEqual(['waiting_for_concurrency']);
    const [full] = (await stage.explain('last-keyed')).reasons;
    expect(full).toMatchObject({
      code: 'waiting_for_concurrency',
      details: { held: 100, place: 101, place_is_at_least: true },
    });
    expect(await codes('waiting-1')).toEqual(['waiting_for_file']);
    expect(await codes('parent')).toEqual(['not_waiting']);
  });

  it.each([
    ['FIND', () => ['last-ready'], 20],
    ['PARENTS', (seq: number) => [seq], 30],
    ['BLAME', (seq: number) => [seq], 20],
    ['AHEAD', (seq: number) => ['action/any//', 'default', 4e9, seq], 150],
    ['AHEAD', (seq: number) => ['action/any//', 'default', 0, seq - BLOCKED / 2], 150],
    ['HOLDERS', () => ['default', 'k'], 30],
    ['AHEAD_FOR_KEY', (seq: number) => ['default', 'k', 1, 'action/any//', 4e9, seq], 150],
    ['IN_FLIGHT', () => [], 20],
    [
      'OWNERS',
      (seq: number) => ['default', ['', 'held', 'held/'], ['\u0001', 'held\u0001', 'held0'], seq],
      60,
    ],
  ] as const)('reads few pages: %s', async (name, values, pages) => {
    const [row] = await stage.api.query<{ seq: string }>(`select seq from tasks where id = 'last-ready'`);
    expect(await pagesOf(STATEMENTS[name], [...values(Number(row?.seq))])).toBeLessThanOrEqual(pages);
  });

  it('reads pages by its bounds and not by how many wait for a folder', async () => {
    const [row] = await stage.api.query<{ seq: string }>(`select seq from tasks where id = 'last-waiting'`);
    const spans = [
      ['', 'held', 'held/'],
      ['\u0001', 'held\u0001', 'held0'],
    ];
    for (const [rank, seq] of [
      [4e9, Number(row?.seq)],
      [0, Number(row?.seq) - BLOCKED],
      [0, 5],
    ]) {
      const values = ['default', ...spans, 'action/any//', rank, seq];
      // 500 groups and 500 tasks, each by an index of three levels.
      expect(await pagesOf(SITUATION_SQL.AHEAD_FOR_FILES, values)).toBeLessThan(6_000);
    }
  });
});
