import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { controlPlaneConfig, startControlPlane } from '../../src/control-plane/index.js';
import { MetricsListener } from '../../src/control-plane/metrics/metrics.listener.js';
import {
  BOUNDS,
  keepToIndexes,
  OTHERS,
  READY,
  STANDINGS,
  WAITING,
} from '../../src/control-plane/metrics/metrics.queries.js';
import { Env } from '../../src/platform/config/env.js';
import { statement } from '../../src/platform/database/statement.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { CuttableProxy } from '../support/cuttable-proxy.js';
import { eventually } from '../support/eventually.js';
import { createTestDatabase } from '../support/database.js';
import { samplesOf } from '../support/metrics.js';

interface Rows {
  readonly project: string;
  readonly count: number;
  /** Seconds since they became ready; the first in the order of service, the others follow a second apart each. */
  readonly age?: number;
  readonly lane?: string;
  readonly gate?: number;
  /** The number of the first. */
  readonly from?: number;
}

describe('what /metrics says of the whole ledger', () => {
  let api: TestControlPlane;
  beforeAll(async () => (api = await startTestControlPlane()));
  afterAll(() => api.close());
  beforeEach(() => api.query('truncate tasks, file_waits, file_locks'));

  const add = ({ project, count, age = 1, lane = 'action/any//', gate = 0, from = 1 }: Rows) =>
    api.query(
      `insert into tasks (id, project_id, action, params, lane, gate, status, pending_dependencies, rank, max_attempts, lease_seconds, updated_at,
         holder, locked_by, claim_token, locked_at, lease_expires_at, completed_at)
       select md5($1 || $3 || $4 || n), $1, 'a', '{}', $3, $4::smallint,
         case $4 when '5' then 'running' when '6' then 'failed' else 'queued' end, case $4 when '1' then 1 else 0 end,
         n, 5, 300, now() - ($2::float8 + n - 1) * interval '1 second',
         case $4 when '5' then 'worker' end, case $4 when '5' then 'w' end, case $4 when '5' then 'token' end,
         case $4 when '5' then now() end, case $4 when '5' then now() end, case $4 when '6' then now() end
       from generate_series($6::integer, $6 + $5::integer - 1) n`,
      [project, age, lane, String(gate), count, from],
    );

  async function metrics(): Promise<ReadonlyMap<string, number>> {
    const { status, text, headers } = await api.fetch('/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    return samplesOf(text);
  }
  const age = 'skynet_oldest_ready_age_seconds';
  const pending = (reason: string) => `skynet_pending_tasks{reason="${reason}"}`;
  const inStatus = (status: string) => `skynet_tasks{status="${status}"}`;

  it('says how long the longest ready task has been ready, over all projects and lanes', async () => {
    expect((await metrics()).get(age)).toBe(0);
    await add({ project: 'a', count: 3, age: 90 });
    await add({ project: 'a', count: 1, age: 40, lane: 'action/pull//' });
    await add({ project: 'b', count: 1, age: 5, lane: 'action/pull//' });
    await add({ project: 'b', count: 2, age: 1_000, gate: 1 });
    const shown = await metrics();
    expect(shown.get(age)).toBeGreaterThanOrEqual(92);
    expect(shown.get(age)).toBeLessThan(150);
    expect(shown.get('skynet_ready_partial')).toBe(0);
  });

  it('counts tasks by status and by what they wait for', async () => {
    for (const [gate, count] of [2, 3, 4, 5, 6, 7, 8].entries()) await add({ project: 'a', count, gate });
    const shown = await metrics();
    const reasons = ['ready', 'dependencies', 'files', 'time', 'key'];
    expect(reasons.map((reason) => shown.get(pending(reason)))).toEqual([2, 3, 4, 5, 6]);
    const statuses = ['queued', 'released', 'claimed', 'running', 'failed', 'failed_timeout'];
    expect(statuses.map((status) => shown.get(inStatus(status)))).toEqual([20, 0, 0, 7, 8, 0]);
    const partial = [...shown].filter(([name]) => name.includes('_partial'));
    expect(partial).toHaveLength(14);
    expect(partial.filter(([, value]) => value !== 0)).toEqual([]);
  });

  it('follows a task from hand-in to claim, and names no project', async () => {
    await api.post('/v1/tasks/enqueue', { action: 'a', project_id: 'we"ird' });
    expect((await metrics()).get(inStatus('queued'))).toBe(1);
    await api.post('/v1/tasks/claim', { worker_id: 'w' });
    const shown = await metrics();
    expect([shown.get(inStatus('queued')), shown.get(inStatus('claimed'))]).toEqual([0, 1]);
    expect([...shown.keys()].filter((name) => name.includes('ird'))).toEqual([]);
  });

  it('says where it stopped to look', async () => {
    await add({ project: 'a', count: BOUNDS.tasksOfALine - 1 });
    expect((await metrics()).get('skynet_ready_partial')).toBe(0);
    for (let n = 0; n < BOUNDS.lines; n++) await add({ project: `many-${n}`, count: 1 });
    expect((await metrics()).get('skynet_ready_partial')).toBe(1);
    await api.query('truncate tasks');
    await add({ project: 'a', count: 5_000, gate: 3 });
    await add({ project: 'b', count: 7_000, gate: 1 });
    await add({ project: 'c', count: 20, gate: 0 });
    const shown = await metrics();
    // Those with an index of their own are counted by themselves; of the others the first of the backlog are known.
    expect(['ready', 'time', 'dependencies'].map((reason) => shown.get(pending(reason)))).toEqual([
      20, 5_000, 5_000,
    ]);
    const partial = (reason: string) => shown.get(`skynet_pending_partial{reason="${reason}"}`);
    expect(['ready', 'time', 'files', 'key', 'dependencies'].map(partial)).toEqual([0, 0, 0, 0, 1]);
    expect(shown.get(inStatus('queued'))).toBe(BOUNDS.counted);
    expect(shown.get('skynet_tasks_partial{status="queued"}')).toBe(1);
    expect(shown.get('skynet_tasks_partial{status="running"}')).toBe(0);
  });

  it('costs the same with ten times the backlog', async () => {
    const pages = async () => {
      await api.query('vacuum analyze tasks, file_waits, file_locks');
      return api.database.transaction(async (tx) => {
        await keepToIndexes(tx);
        const found: number[] = [];
        for (const { name, text } of [READY, STANDINGS, WAITING, OTHERS]) {
          const explain = statement(`${name}.explain`, `explain (analyze, buffers, format json) ${text}`);
          const [row] = await tx.query(explain);
          const [{ Plan: plan } = { Plan: {} }] = row?.['QUERY PLAN'] as { Plan: Record<string, number> }[];
          found.push((plan['Shared Hit Blocks'] ?? NaN) + (plan['Shared Read Blocks'] ?? NaN));
        }
        return found;
      });
    };
    const waits = (name: string, count: number) =>
      api.query(
        `insert into file_waits (task_seq, project_id, path, prefix, mode, losses, lane, rank)
         select n, 'a', $1 || n, $1 || n, 'write', 0, 'l', n from generate_series(1, $2::integer) n`,
        [name, count],
      );
    // As many as are counted, then ten times as many; what has succeeded is in no index that is looked at.
    for (const gate of [0, 1, 3, 5, 6]) await add({ project: 'p', count: 10_000, gate });
    await waits('x', 10_000);
    const few = await pages();
    for (const gate of [0, 1, 3, 6]) await add({ project: 'p', count: 30_000, gate, from: 100_000 });
    await waits('y', 30_000);
    const many = await pages();
    // How many heap pages an index spares depends on when all others have ended; another plan reads several times as many.
    many.forEach((count, index) => expect(count).toBeLessThan((few[index] ?? 0) * 1.5 + 1_000));
  });
});

describe('without its database', () => {
  it('still says what this replica knows by itself, and that the database is away', async () => {
    const database = await createTestDatabase();
    const proxy = await CuttableProxy.to(database.url);
    const api = await startTestControlPlane({ databaseUrl: proxy.url });
    try {
      const before = samplesOf((await api.fetch('/metrics')).text);
      expect(before.get('skynet_database_up')).toBe(1);
      proxy.cut();
      const shown = samplesOf((await api.fetch('/metrics')).text);
      expect(shown.get('skynet_database_up')).toBe(0);
      expect(shown.get('skynet_replica_ready')).toBe(0);
      expect(shown.get('skynet_database_troubles_total{kind="unavailable"}')).toBeGreaterThan(0);
      expect(shown.has('skynet_oldest_ready_age_seconds')).toBe(false);
      expect([...shown.keys()].filter((name) => name.startsWith('skynet_tasks{'))).toEqual([]);
      proxy.mend();
      await eventually('it is back', async () => {
        const now = samplesOf((await api.fetch('/metrics')).text);
        return now.get('skynet_database_up') === 1 && now.get('skynet_oldest_ready_age_seconds') === 0;
      });
    } finally {
      await api.close();
      await proxy.close();
      await database.drop();
    }
  });
});

describe('with a port of its own', () => {
  let api: TestControlPlane;
  beforeAll(async () => {
    api = await startTestControlPlane({
      env: { SKYNET_API_KEY: 'secret', SKYNET_HOST: '127.0.0.1', SKYNET_METRICS_PORT: '0' },
    });
  });
  afterAll(() => api.close());
  const port = () => api.get(MetricsListener).port ?? 0;
  const at = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${port()}${path}`, { method });

  it('serves them there without a key, and nothing else', async () => {
    const { status, headers } = await at('/metrics');
    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const shown = samplesOf(await (await at('/metrics?x=1')).text());
    await eventually('it is ready', async () => {
      return samplesOf(await (await at('/metrics')).text()).get('skynet_replica_ready') === 1;
    });
    expect(shown.get('skynet_database_up')).toBe(1);
    expect((await at('/metrics', 'HEAD')).status).toBe(200);
    expect((await at('/metrics', 'POST')).status).toBe(405);
    for (const path of ['/', '/v1/tasks', '/livez', '/docs', '/metrics/', '//metrics', '/%6detrics']) {
      expect([path, (await at(path)).status]).toEqual([path, 404]);
    }
  });

  it('leaves the API closed', async () => {
    expect((await api.fetch('/metrics')).status).toBe(401);
    expect((await api.fetch('/metrics', { 'x-api-key': 'secret' })).status).toBe(200);
  });

  it('does not start on a port that is taken', async () => {
    const config = controlPlaneConfig(
      new Env({
        ...{ SKYNET_HOST: '127.0.0.1', SKYNET_PORT: '0', SKYNET_METRICS_PORT: String(port()) },
        OPENCLAW_GATEWAY_URLS: ',',
      }),
    );
    const options = { config, databaseUrl: api.databaseUrl, logger: createLogger('test', 'silent') };
    await expect(startControlPlane(options)).rejects.toThrow('EADDRINUSE');
  });
});
