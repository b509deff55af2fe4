import pg from 'pg';
import { eventually } from '../support/eventually.js';
import { type Reply, type TestControlPlane } from '../support/control-plane.js';
import { type Json } from '../support/json.js';

/** The header of a caller of the public API. */
export const bearer = (secret: string): Record<string, string> => ({ authorization: `Bearer ${secret}` });

let keys = 0;
/** An idempotency key that nobody has used. */
export const once = (): Record<string, string> => ({ 'x-idempotency-key': `once-${++keys}` });

/** Hands in an OpenClaw job, or what `body` says. */
export function submit(
  api: TestControlPlane,
  secret: string,
  body: object = { payload: { kind: 'openclaw-run' } },
  headers: Record<string, string> = {},
): Promise<Reply> {
  return api.post('/v1/public/jobs', body, { ...bearer(secret), ...headers });
}

/** Makes a key in the database. */
export async function makeKey(
  api: TestControlPlane,
  more: object = {},
): Promise<{ readonly key: Json; readonly secret: string }> {
  const { status, body, text } = await api.post('/v1/public-keys', {
    ...{ label: 'someone', capabilities: ['openclaw'] },
    ...more,
  });
  if (status !== 200) throw new Error(text);
  return body as { key: Json; secret: string };
}

/** How many jobs there are. */
export async function countJobs(api: TestControlPlane): Promise<number> {
  const [row] = await api.query<{ n: string }>('select count(*) as n from tasks');
  return Number(row?.n);
}

export interface HeldLock {
  /** Resolves to the server processes that wait for it, once there is one. */
  readonly someoneWaits: () => Promise<number[]>;
  readonly release: () => Promise<void>;
}

/** Takes a lock in a transaction of the test's own, so that whoever needs it stops there. */
export async function holdLock(api: TestControlPlane, statement: string): Promise<HeldLock> {
  const client = new pg.Client({ connectionString: api.databaseUrl });
  await client.connect();
  await client.query('begin');
  await client.query(statement);
  const [own] = (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows;
  return {
    someoneWaits: () =>
      eventually('somebody waits for the lock', async () => {
        const rows = await api.query<{ pid: number }>(
          'select pid from pg_stat_activity where $1 = any(pg_blocking_pids(pid))',
          [own?.pid],
        );
        return rows.length === 0 ? undefined : rows.map(({ pid }) => pid);
      }),
    release: async () => {
      await client.query('rollback');
      await client.end();
    },
  };
}
