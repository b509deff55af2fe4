import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { APPEND_SQL } from '../../src/control-plane/logs/logs.queries.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';

const ENTRIES = 100_000;
const WEIGHT = 60;

let api: TestControlPlane;
beforeAll(async () => {
  api = await startTestControlPlane();
  // As statistics know it, no output is long.
  await api.query(
    `insert into output_entries (kind, subject_id, position, host_id, generation, slot, attempt, seq, stream, text)
     select 'job', 'other-' || n, m, 'host-' || n, 0, 0, 1, m, 'stdout', repeat('x', ${WEIGHT})
     from generate_series(1, 300) n, generate_series(1, 300) m`,
  );
  await api.query('analyze');
  for (const kind of ['job', 'service']) {
    await api.query(
      `insert into outputs (kind, subject_id, last_position) values ($1, 'long', $2), ($1, 'short', 0)`,
      [kind, ENTRIES],
    );
    await api.query(
      `insert into output_entries (kind, subject_id, position, host_id, generation, slot, attempt, seq, stream, text, ends_at)
       select $1, 'long', n, 'h', 0, 0, 1, n, 'stdout', repeat('x', ${WEIGHT}), case when $1 = 'service' then n * ${WEIGHT} end
       from generate_series(1, ${ENTRIES}::bigint) n`,
      [kind],
    );
  }
}, 30_000);
afterAll(() => api.close());

/** Pages that an append of five entries touches, undone at once. */
async function pagesOf(kind: 'job' | 'service', id: string): Promise<number> {
  const seqs = [1, 2, 3, 4, 5].map((n) => ENTRIES + n);
  const values = [
    ...[kind, id, 'h', 0, 0, 1, seqs],
    ...[seqs.map(() => 'stdout'), seqs.map(() => 'y'.repeat(WEIGHT))],
    ENTRIES * WEIGHT,
    ...(kind === 'job' ? ['…'] : []),
  ];
  const runner = api.get(DataSource).createQueryRunner();
  try {
    const runs: number[] = [];
    for (let run = 0; run < 3; run++) {
      await runner.query('begin');
      const rows = (await runner.query(
        `explain (analyze, buffers, format json) ${APPEND_SQL[kind]}`,
        values,
      )) as { 'QUERY PLAN': { Plan: Record<string, number> }[] }[];
      await runner.query('rollback');
      const plan = rows[0]?.['QUERY PLAN'][0]?.Plan ?? {};
      runs.push((plan['Shared Hit Blocks'] ?? NaN) + (plan['Shared Read Blocks'] ?? NaN));
    }
    return Math.min(...runs);
  } finally {
    await runner.release();
  }
}

describe.each(['job', 'service'] as const)('an append to the output of a %s', (kind) => {
  it(`touches hardly more pages behind ${ENTRIES} entries than behind none`, async () => {
    const short = await pagesOf(kind, 'short');
    expect(await pagesOf(kind, 'long')).toBeLessThan(short + 100);
  });
});
