import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';

let api: TestControlPlane;
beforeAll(async () => {
  api = await startTestControlPlane({ env: { SKYCLAW_COORDINATOR_NODE_ID: 'n1' } });
});
afterAll(() => api.close());

const shell = (command: string, more: object = {}) => ({ payload: { kind: 'shell', command, ...more } });
const submit = async (command: string, more: object = {}) =>
  (await api.post('/v1/jobs', shell(command, more))).body.job.id as string;

async function finish(command: string): Promise<string> {
  const id = await submit(command);
  const { body } = await api.post('/v1/hosts/h1/claim');
  expect(body.job.id).toBe(id);
  await api.post(`/v1/jobs/${id}/complete`, { hostId: 'h1', success: true, stdout: command });
  return id;
}

interface Page {
  readonly jobs: readonly { readonly id: string; readonly createdAt: string }[];
  readonly next_cursor?: string;
}
const page = async (query: string): Promise<Page> => (await api.fetch(`/v1/state${query}`)).body;
const idsOf = ({ jobs }: Page) => jobs.map(({ id }) => id);

describe('GET /v1/state', () => {
  it('shows an empty coordinator', async () => {
    expect((await api.fetch('/v1/state')).body).toEqual({ nodeId: 'n1', hosts: [], jobs: [], services: [] });
  });

  it('shows all hosts and unfinished jobs with the newest finished ones, and older ones page by page', async () => {
    await api.post('/v1/hosts/register', { hostId: 'h1', name: 'one', maxParallel: 2 });
    await api.post('/v1/hosts/register', { hostId: 'h2', name: 'two' });
    const done: string[] = [];
    for (let n = 0; n < 5; n++) done.push(await finish(`done-${n}`));
    const leased = await submit('leased');
    await api.post('/v1/hosts/h1/claim');
    const queued = await submit('queued', { env: { SECRET: 'hidden' } });

    const { body: all } = await api.fetch('/v1/state');
    expect(all.hosts.map(({ id }: { id: string }) => id)).toEqual(['h1', 'h2']);
    expect(idsOf(all)).toEqual([...done, leased, queued]);
    expect(all.jobs[0]).toMatchObject({ status: 'completed', result: { stdout: 'done-0' } });
    expect(JSON.stringify(all)).not.toContain('hidden');
    expect(JSON.stringify(all)).not.toContain('leaseToken');
    expect(all).not.toHaveProperty('next_cursor');

    const first = await page('?limit=2');
    expect(idsOf(first)).toEqual([...done.slice(3), leased, queued]);
    const second = await page(`?limit=2&cursor=${first.next_cursor}`);
    expect(second).toMatchObject({ nodeId: 'n1', hosts: [], services: [] });
    expect(idsOf(second)).toEqual(done.slice(1, 3));
    const third = await page(`?limit=2&cursor=${second.next_cursor}`);
    expect(idsOf(third)).toEqual(done.slice(0, 1));
    expect(third).not.toHaveProperty('next_cursor');

    expect(idsOf(await page('?limit=0'))).toEqual([leased, queued]);
    expect(await api.fetch('/v1/state?cursor=nonsense')).toMatchObject({ status: 400 });
    expect(await api.fetch('/v1/state?limit=x')).toMatchObject({ status: 400 });
  });

  it('is bounded: ten thousand unfinished jobs and a thousand finished ones a page, and none is left out', async () => {
    await api.query(
      `insert into tasks (id, kind, action, params, max_attempts, lease_seconds, status, gate, completed_at, updated_by)
       select 'many-' || n, 'shell', 'job:shell', '{"kind":"shell","command":"x"}', 5, 60,
         case when n % 10 = 0 then 'succeeded' else 'queued' end, case when n % 10 = 0 then null else 0 end,
         case when n % 10 = 0 then now() end, 'n1'
       from generate_series(1, 12000) n`,
    );
    const seen = new Set<string>();
    const sizes: number[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const next: Page = await page(cursor === '' ? '' : `?cursor=${cursor}`);
      sizes.push(next.jobs.length);
      for (const id of idsOf(next)) {
        expect(seen.has(id)).toBe(false);
        seen.add(id);
      }
      cursor = next.next_cursor;
    }
    expect(sizes).toEqual([10_000, 802 + 1_000, 205]);
  });

  it('ends a page early when the outputs of its jobs are large', async () => {
    await api.query(`delete from tasks`);
    await api.query(
      `insert into tasks (id, kind, action, params, max_attempts, lease_seconds, status, completed_at, updated_by, result)
       select 'large-' || n, 'shell', 'job:shell', '{"kind":"shell","command":"x"}', 5, 60, 'succeeded', now(), 'n1',
         json_build_object('finishedAt', 'x', 'stdout', repeat('o', 3000000))
       from generate_series(1, 9) n`,
    );
    const first = await page('');
    expect(first.jobs).toHaveLength(6);
    expect((await page(`?cursor=${first.next_cursor}`)).jobs).toHaveLength(3);
  });
});
