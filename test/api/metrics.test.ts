import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BOUNDS, READY } from '../../src/control-plane/metrics/metrics.queries.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());
beforeEach(() => api.query('truncate tasks'));

interface Rows {
  readonly project: string;
  readonly count: number;
  /** Seconds since they became ready; the first in the order of service, the others follow a second apart each. */
  readonly age: number;
  readonly lane?: string;
  readonly gate?: number;
}
const add = ({ project, count, age, lane = 'action/any//', gate = 0 }: Rows) =>
  api.query(
    `insert into tasks (id, project_id, action, params, lane, gate, rank, max_attempts, lease_seconds, updated_at)
     select md5($1 || $3 || $4 || n), $1, 'a', '{}', $3, $4::smallint, n, 5, 300, now() - ($2::float8 + n - 1) * interval '1 second'
     from generate_series(1, $5::integer) n`,
    [project, age, lane, gate, count],
  );

async function metrics(): Promise<ReadonlyMap<string, number>> {
  const { status, text, headers } = await api.fetch('/metrics');
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}
const ageOf = (project: string) => `skynet_ready_age_seconds{project="${project}"}`;
const tasksOf = (project: string) => `skynet_ready_tasks{project="${project}"}`;

describe('GET /metrics', () => {
  it('shows for each project how long its longest ready task has been ready, over all lanes', async () => {
    await add({ project: 'a', count: 3, age: 90 });
    await add({ project: 'a', count: 1, age: 40, lane: 'action/pull//' });
    await add({ project: 'b', count: 1, age: 5, lane: 'action/pull//' });
    const shown = await metrics();
    expect(shown.get(ageOf('a'))).toBeGreaterThanOrEqual(92);
    expect(shown.get(ageOf('a'))).toBeLessThan(150);
    expect(shown.get(ageOf('b'))).toBeGreaterThanOrEqual(5);
    expect(shown.get(ageOf('b'))).toBeLessThan(65);
    expect([shown.get(tasksOf('a')), shown.get(tasksOf('b'))]).toEqual([4, 1]);
    expect(shown.get('skynet_ready_partial')).toBe(0);
  });

  it('leaves out what cannot run yet, and counts who rests', async () => {
    await add({ project: 'a', count: 2, age: 1_000, gate: 1 });
    await add({ project: 'a', count: 3, age: 1_000, gate: 3 });
    const shown = await metrics();
    expect([...shown.keys()].filter((name) => name.startsWith('skynet_ready_age'))).toEqual([]);
    expect(shown.get('skynet_tasks{state="ready"}')).toBe(0);
    expect(shown.get('skynet_tasks{state="resting"}')).toBe(3);
    expect(shown.get('skynet_tasks{state="held"}')).toBe(0);
    expect(shown.get('skynet_untold_ends')).toBe(0);
  });

  it('follows a task from hand-in to claim', async () => {
    await api.post('/v1/tasks/enqueue', { action: 'a', project_id: 'we"ird' });
    expect((await metrics()).get(ageOf('we\\"ird'))).toBeLessThan(60);
    await api.post('/v1/tasks/claim', { worker_id: 'w' });
    const shown = await metrics();
    expect(shown.has(ageOf('we\\"ird'))).toBe(false);
    expect(shown.get('skynet_tasks{state="held"}')).toBe(1);
  });

  it('looks at the first of a line only, and at a number of lines', async () => {
    await add({ project: 'a', count: BOUNDS.tasksOfALine + 500, age: 1 });
    const alone = await metrics();
    expect(alone.get(tasksOf('a'))).toBe(BOUNDS.tasksOfALine);
    expect(alone.get(ageOf('a'))).toBeLessThan(BOUNDS.tasksOfALine + 100);
    for (let n = 0; n < BOUNDS.lines; n++) await add({ project: `many-${n}`, count: 1, age: 1 });
    const shown = await metrics();
    expect([...shown.keys()].filter((name) => name.startsWith('skynet_ready_age'))).toHaveLength(
      BOUNDS.lines,
    );
    expect(shown.get('skynet_ready_partial')).toBe(1);
  });

  it('costs the same with ten times the backlog', async () => {
    const pages = async () => {
      await api.query('vacuum analyze tasks');
      const [row] = await api.query<{ 'QUERY PLAN': { Plan: Record<string, number> }[] }>(
        `explain (analyze, buffers, format json) ${READY.text}`,
      );
      const plan = row?.['QUERY PLAN'][0]?.Plan ?? {};
      return (plan['Shared Hit Blocks'] ?? NaN) + (plan['Shared Read Blocks'] ?? NaN);
    };
    for (const project of ['a', 'b', 'c']) await add({ project, count: 2_000, age: 1 });
    const few = await pages();
    for (const project of ['d', 'e', 'f']) await add({ project, count: 20_000, age: 1, gate: 1 });
    await api.query(
      `insert into tasks (id, project_id, action, params, lane, gate, rank, max_attempts, lease_seconds)
       select 'more-' || n, 'a', 'a', '{}', 'action/any//', 0, 5000 + n, 5, 300 from generate_series(1, 20000) n`,
    );
    expect(await pages()).toBeLessThan(few * 1.3 + 20);
  });
});
