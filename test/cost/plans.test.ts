import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import {
  CLAIM_OF_HOSTS_SOLE_LINE_SQL,
  CLAIM_OF_HOSTS_SQL,
  CLAIM_OF_PROJECT_SQL,
  CLAIM_OF_SOLE_LINE_SQL,
  CLAIM_SQL,
} from '../../src/control-plane/ledger/queries/claim.queries.js';
import { START_SQL } from '../../src/control-plane/ledger/queries/lease.queries.js';
import { SUCCEED_SQL } from '../../src/control-plane/ledger/queries/finish.queries.js';
import { DataSource } from 'typeorm';
import { databaseOf, dataSourceOptions } from '../../src/platform/database/connect.js';
import { statement } from '../../src/platform/database/statement.js';
import { startTestLedger, type TestLedger } from '../support/ledger.js';

let ledger: TestLedger;
let client: pg.Client;
beforeAll(async () => {
  ledger = await startTestLedger();
  client = new pg.Client({ connectionString: ledger.api.databaseUrl });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await ledger.api.close();
});

it.each([
  [
    'a claim',
    CLAIM_SQL,
    (n: number) => ['worker', `w${n}`, null, '[]', [], [], Array(n).fill(`w${n}`), false, 1],
  ],
  [
    'a claim of the only line',
    CLAIM_OF_SOLE_LINE_SQL,
    (n: number) => ['worker', `w${n}`, null, '[]', ['l'], ['p'], Array(n).fill(`w${n}`), false, 1],
  ],
  [
    'a claim for one project',
    CLAIM_OF_PROJECT_SQL,
    (n: number) => ['worker', `w${n}`, null, '[]', [''], ['p'], Array(n).fill(`w${n}`), false, 1],
  ],
  [
    'a claim of hosts',
    CLAIM_OF_HOSTS_SQL,
    (n: number) => ['host', `w${n}`, null, '[]', [], [], Array(n).fill(`w${n}`), true, 1],
  ],
  ['a start', START_SQL, (n: number) => [Array(n).fill('t'), Array(n).fill('w'), Array(n).fill('x')]],
  [
    'a success',
    SUCCEED_SQL,
    (n: number) => ['t', 'w', 'x', '', '{}'].map((value) => Array<string>(n).fill(value)),
  ],
] as const)('%s is planned once for a connection, whatever its values', async (name, text, valuesOf) => {
  for (let call = 0; call < 20; call++)
    await client.query({ name, text, values: [...valuesOf(1 + (call % 6))] });
  const { rows } = await client.query<{ custom: number; generic: number }>(
    'select custom_plans::int as custom, generic_plans::int as generic from pg_prepared_statements where name like $1',
    [name],
  );
  // PostgreSQL tries five plans for given values before it compares.
  expect(rows).toEqual([{ custom: 5, generic: 15 }]);
});

const claims = [
  ['a claim', CLAIM_SQL, 'worker', [[], []]],
  ['a claim of the only line', CLAIM_OF_SOLE_LINE_SQL, 'worker', [['action/any//'], ['default']]],
  ['a claim for one project', CLAIM_OF_PROJECT_SQL, 'worker', [[''], ['default']]],
  ['a claim of hosts', CLAIM_OF_HOSTS_SQL, 'host', [[], []]],
  ['a claim of hosts of the only line', CLAIM_OF_HOSTS_SOLE_LINE_SQL, 'host', [['shell/any//'], ['default']]],
] as const;
const sizes = [1, 3, 2_000, 20_000].flatMap((ready) =>
  claims.map(([name, text, holder, turns]) => ({ ready, name, text, holder, turns })),
);

it.each(sizes)(
  '$name among $ready ready tasks reads no table as a whole',
  async ({ ready, text, holder, turns }) => {
    await client.query('truncate tasks');
    await client.query(
      `insert into tasks (id, action, params, max_attempts, lease_seconds, gate, kind, lane)
     select 't-' || n, 'a', '{}', 5, 300, 0, $2, $2 || '/any//' from generate_series(1, $1) n`,
      [ready, holder === 'host' ? 'shell' : 'action'],
    );
    await client.query('analyze tasks');
    await client.query(
      `insert into host_slots (host_id, max_parallel, is_open) values ('w', 10, true) on conflict do nothing`,
    );
    await client.query('begin');
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: object }] }>({
      text: `explain (analyze, format json) ${text}`,
      values: [holder, 'w', [], '[]', ...turns, Array(4).fill('w'), false, 1],
    });
    await client.query('rollback');
    const scanned: number[] = [];
    const visit = (node: Record<string, unknown>): void => {
      if (node['Node Type'] === 'Seq Scan' && node['Relation Name'] === 'tasks')
        scanned.push(Number(node['Actual Rows']));
      for (const child of (node['Plans'] as Record<string, unknown>[] | undefined) ?? []) visit(child);
    };
    visit(rows[0]?.['QUERY PLAN'][0].Plan as Record<string, unknown>);
    // A table of a page or two may be.
    expect(Math.max(0, ...scanned)).toBeLessThan(10);
  },
);

it('a connection that began with few tasks plans no claim anew when there are many', async () => {
  const few = new DataSource(
    dataSourceOptions({
      url: ledger.api.databaseUrl,
      applicationName: 'test',
      poolSize: 1,
      program: 'control-plane',
    }),
  );
  await few.initialize();
  try {
    const database = databaseOf(few);
    const plans = statement(
      'test.plans',
      'select sum(custom_plans)::int as custom, sum(generic_plans)::int as generic from pg_prepared_statements where name like $1',
    );
    const fill = async (from: number, to: number) => {
      await database.query(
        statement(
          'test.fill',
          `insert into tasks (id, action, params, max_attempts, lease_seconds, gate)
           select 'n-' || n, 'a', '{}', 5, 300, 0 from generate_series($1::int, $2::int) n`,
        ),
        [from, to],
      );
      await client.query('analyze tasks');
    };
    const claim = () => ledger.claims.claim(database, { holder: 'worker', id: 'w', capabilities: ['x'] });
    await client.query('truncate tasks');
    await fill(1, 30);
    for (let call = 0; call < 20; call++) await claim();
    const [before] = await database.query(plans, ['ledger.claim%']);
    // Those of two statements: of a whole claim, and of one of the only line.
    expect(before?.['custom']).toBe(10);
    await fill(100, 30_000);
    for (let call = 0; call < 20; call++) await claim();
    const [after] = await database.query(plans, ['ledger.claim%']);
    expect(after?.['custom']).toBe(before?.['custom']);
    expect(after?.['generic']).toBe(Number(before?.['generic']) + 20);
  } finally {
    await few.destroy();
  }
});

it('a statement that is planned once says the types of its values', () => {
  expect(() => statement('test.untyped', 'select $1', { plan: 'once' })).toThrow(
    'Statement test.untyped does not say the type of $1.',
  );
});
