import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EmbeddedPostgres } from '../../src/platform/embedded-postgres/index.js';
import { audit, type LoggedEvent } from '../support/audit.js';
import { type Reply } from '../support/control-plane.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { Program } from '../support/program.js';
import { ScriptableGateway } from '../support/scriptable-gateway.js';

const ENV = {
  SKYNET_PORT: '0',
  SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '0',
  SKYNET_CONTROL_SCHEDULER_POLL_SECS: '0.2',
  SKYNET_STALE_LOCK_REAPER_POLL_SECS: '0.2',
  SKYNET_GATEWAY_PROBE_SECS: '0.3',
  SKYNET_LOG_LEVEL: 'silent',
};

async function call(
  url: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: Reply['body'] }> {
  const response = await fetch(
    url + path,
    body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) },
  );
  return { status: response.status, body: await response.json() };
}

/** A call that is repeated, with one idempotency key, until it is answered with 200. */
async function insist(url: string, path: string, body: object, key: string): Promise<Reply['body']> {
  return eventually(`${path} is answered`, async () => {
    try {
      const response = await fetch(url + path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'x-idempotency-key': key },
      });
      if (response.status === 200) return await response.json();
      if (response.status !== 503)
        throw new TypeError(`${path} answered ${response.status}: ${await response.text()}`);
    } catch (error) {
      if (error instanceof TypeError && error.message.includes('answered')) throw error;
    }
    return undefined;
  });
}

const listening = (program: Program) => program.line(/SKYNET control plane: (\S+)/);

describe('a replica that is killed in the middle of dispatch', () => {
  let database: TestDatabase;
  let gateway: ScriptableGateway;
  beforeAll(async () => {
    database = await createTestDatabase();
    gateway = await ScriptableGateway.start();
  });
  afterAll(async () => {
    await gateway.close();
    await database.drop();
  });

  it('loses nothing, and has nothing done twice: the next one asks for the same executions', async () => {
    const env = { ...ENV, DATABASE_URL: database.url };
    const first = Program.start('skynet', ['serve'], env);
    const url = await listening(first);
    await call(url, '/v1/register-gateway', { gateway_id: 'g', host: gateway.url });
    let release!: () => void;
    gateway.otherwise = { kind: 'execute-slowly', release: new Promise<void>((done) => (release = done)) };
    for (let index = 0; index < 6; index++) {
      await call(url, '/v1/tasks/enqueue', { task_id: `t${index}`, action: 'git_status', lease_seconds: 1 });
    }
    await gateway.until(({ executions }) => executions.size === 6);
    expect(await first.kill('SIGKILL')).toBe('SIGKILL');

    const second = Program.start('skynet', ['serve'], env);
    const next = await listening(second);
    // Whoever takes a task over asks with the key that the dead replica has committed.
    await gateway.until(({ seen }) => seen.length >= 12);
    release();
    const tasks = await eventually('all have ended', async () => {
      const { body } = await call(next, '/v1/tasks');
      return body.tasks.every((task: { status: string }) => task.status === 'succeeded')
        ? body.tasks
        : undefined;
    });
    expect(tasks).toHaveLength(6);
    expect([...gateway.executions.values()]).toEqual([1, 1, 1, 1, 1, 1]);
    const { body } = await call(next, '/v1/events?limit=1000');
    expect(
      audit(
        body.events as LoggedEvent[],
        tasks.map(({ id }: { id: string }) => ({ id, dependencies: [], files: [] })),
      ),
    ).toEqual([]);
    expect(await second.kill('SIGTERM')).toBe(0);
  });

  it('that is told to end instead hands back what it holds within 20 s, with its key', async () => {
    const env = { ...ENV, DATABASE_URL: database.url };
    const program = Program.start('skynet', ['serve'], env);
    const url = await listening(program);
    gateway.otherwise = { kind: 'execute-slowly', release: new Promise<void>(() => undefined) };
    const before = gateway.executions.size;
    await call(url, '/v1/tasks/enqueue', { task_id: 'held', action: 'git_status' });
    await gateway.until(({ executions }) => executions.size === before + 1);
    const asked = performance.now();
    expect(await program.kill('SIGTERM')).toBe(0);
    expect(performance.now() - asked).toBeLessThan(20_000);
    gateway.otherwise = { kind: 'execute' };
    const after = Program.start('skynet', ['serve'], env);
    const next = await listening(after);
    await eventually('it is done', async () => {
      const { body } = await call(next, '/v1/tasks/held');
      return body.status === 'succeeded' ? true : undefined;
    });
    expect(gateway.executions.size).toBe(before + 1);
    await after.kill('SIGTERM');
  }, 60_000);
});

describe('a PostgreSQL that is killed under load', () => {
  it('comes back by itself, and nothing accepted is lost or done twice', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'skynet-crash-'));
    const postgres = await EmbeddedPostgres.start({ dataDir: folder });
    const program = Program.start('skynet', ['serve'], { ...ENV, DATABASE_URL: postgres.url });
    try {
      const url = await listening(program);
      const done = new Map<string, number>();
      const total = 120;
      let enqueued = 0;
      const work = Promise.all([
        (async () => {
          for (let index = 0; index < total; index++) {
            await insist(
              url,
              '/v1/tasks/enqueue',
              { task_id: `t${index}`, action: 'a', delivery: 'pull' },
              `e${index}`,
            );
            enqueued += 1;
          }
        })(),
        ...Array.from({ length: 4 }, async (_, lane) => {
          for (let turn = 0; done.size < total; turn++) {
            const worker_id = `w${lane}`;
            const { task } = await insist(url, '/v1/tasks/claim', { worker_id }, `c${lane}-${turn}`);
            if (task === null) continue;
            const proof = { worker_id, claim_token: task.claim_token };
            await insist(url, `/v1/tasks/${task.id}/start`, proof, `s${task.id}`);
            await insist(url, `/v1/tasks/${task.id}/complete`, proof, `d${task.id}`);
            done.set(task.id, (done.get(task.id) ?? 0) + 1);
          }
        }),
      ]);
      for (const kill of [20, 60]) {
        await eventually(`${kill} are in`, () => Promise.resolve(enqueued >= kill ? true : undefined));
        const pid = Number(
          readFileSync(join(postgres.dataDir, 'pgdata', 'postmaster.pid'), 'utf8').split('\n')[0],
        );
        process.kill(pid, 'SIGKILL');
        await eventually('it is back', async () => {
          const { status } = await fetch(`${url}/readyz`);
          return status === 200 ? true : undefined;
        });
      }
      await work;
      expect(done.size).toBe(total);
      const { body } = await call(url, '/v1/tasks?limit=1000');
      expect(body.tasks.map((task: { status: string }) => task.status)).toEqual(
        Array(total).fill('succeeded'),
      );
      const log = await call(url, '/v1/events?limit=1000');
      expect(log.body.events.filter((event: LoggedEvent) => event.event_type === 'succeeded')).toHaveLength(
        total,
      );
    } finally {
      await program.kill('SIGTERM');
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 90_000);
});
