import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listObjects } from '../../src/cli/backup-check/backup.queries.js';
import { Session } from '../../src/platform/database/session.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { createTestDatabase } from '../support/database.js';
import { Program } from '../support/program.js';
import { ended } from './skyclaw/fixture.js';

let api: TestControlPlane;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'skynet-backup-test-'));
  api = await startTestControlPlane({ env: { SKYNET_REDACT_CLAIM_TOKENS: '0' } });
  const enqueue = (task_id: string, more: object = {}) =>
    api.post('/v1/tasks/enqueue', { task_id, action: 'work', delivery: 'pull', ...more });
  await enqueue('first');
  await enqueue('second', { dependencies: ['first'] });
  await enqueue('third', { dependencies: ['first', 'second'] });
  await enqueue('owner', { required_files: ['src/a'], priority: 9 });
  await enqueue('waiter', { required_files: ['src/a'], priority: 8 });
  await enqueue('keyed', { concurrency_key: 'deploy', priority: 7 });
  const claim = async () =>
    (await api.post('/v1/tasks/claim', { worker_id: 'w', capabilities: [] })).body.task;
  for (let held = await claim(); held !== null; held = await claim()) {
    if (held.id !== 'first') continue;
    const proof = { worker_id: 'w', claim_token: held.claim_token };
    await api.post(`/v1/tasks/${held.id}/start`, proof);
    await api.post(`/v1/tasks/${held.id}/complete`, { ...proof, success: true });
  }
});
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Result {
  readonly code: number | string;
  readonly findings: readonly { check: string; level: string; finding: string }[];
  readonly stderr: string;
}

async function check(args: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  const { code, stdout, stderr } = await ended(
    Program.start('skynet', ['backup-check', '--json', ...args], env),
  );
  return { code, stderr, findings: stdout === '' ? [] : JSON.parse(stdout).findings };
}
const bad = ({ findings }: Result) =>
  findings.filter(({ level }) => level !== 'ok').map(({ check: where, finding }) => `${where}: ${finding}`);

describe('skynet backup-check', () => {
  it('knows all that a migrated database is made of: npm run schema writes migrations/schema.txt', async () => {
    const database = await createTestDatabase();
    const session = await Session.open(database.url, 'test');
    const objects = await listObjects(session);
    await session.close();
    await database.drop();
    const text = `${objects.join('\n')}\n`;
    if (process.env['SKYNET_WRITE_SCHEMA'] === '1') writeFileSync('migrations/schema.txt', text);
    expect(readFileSync('migrations/schema.txt', 'utf8').split('\n')).toEqual(text.split('\n'));
  });

  it('finds nothing wrong with a database in the middle of its work, and tells how old it is', async () => {
    const result = await check([api.databaseUrl, '--strict', '--max-age', '1h']);
    expect(bad(result)).toEqual([]);
    expect(result.code).toBe(0);
    expect(result.findings.map(({ check: where }) => where)).toEqual([
      ...['schema', ...Array<string>(7).fill('ledger'), 'events', 'age'],
    ]);
    expect((await check([api.databaseUrl, '--strict', '--max-age', '1ms'])).code).toBe(1);
  });

  it('finds each thing that must not be', async () => {
    const broken = async (...statements: readonly string[]) => {
      for (const text of statements) await api.query(text);
      const result = await check([api.databaseUrl]);
      expect(result.code).toBe(2);
      return bad(result).join('\n');
    };
    const seq = (id: string) => `(select seq from tasks where id = '${id}')`;
    expect(
      await broken(
        `update tasks set pending_dependencies = 7 where id = 'third'`,
        `insert into file_locks (project_id, path, task_seq, file_path, prefix) values ('p', 'lost', ${seq('first')}, 'lost', 'lost')`,
        `insert into concurrency_holds (task_seq, project_id, key) values (${seq('first')}, 'p', 'gone')`,
        `insert into task_dependencies (child_seq, parent_seq) values (${seq('keyed')}, -5)`,
        `insert into task_dependencies (child_seq, parent_seq) values (${seq('keyed')}, ${seq('third')})`,
        `delete from events where task_id = 'first' and event_type = 'claimed'`,
        `delete from file_waits where task_seq = ${seq('waiter')}`,
        `select setval('events_id_seq', 1)`,
      ),
    ).toBe(
      [
        'ledger: Not so: No task went on before its parents had succeeded. 1 times, among them keyed.',
        'ledger: Not so: Who waits for dependencies waits for as many as it counts. 1 times, among them third.',
        'ledger: Not so: Every dependency is between two tasks that are there. 1 times, among them 6 after -5.',
        'ledger: Not so: Every file is owned by a task that is held. 1 times, among them lost.',
        'ledger: Not so: Every place of a concurrency key is taken by a task that is held, and none too many. 1 times, among them gone.',
        'ledger: Not so: Whoever waits for a file stands in its queue. 1 times, among them waiter.',
        'ledger: Not so: Numbers go on behind those that are there. 1 times, among them events.',
        'events: The log of 1 tasks has gaps, among them first.',
      ].join('\n'),
    );
    expect(await broken('drop index tasks_ready')).toBe(
      'schema: 1 parts are missing: index tasks.tasks_ready.',
    );
  });

  it('says of what is no backup, of a tool that is missing and of a database that is away what to do', async () => {
    const file = join(folder, 'notes.txt');
    writeFileSync(file, 'nothing');
    expect((await check([file])).stderr).toContain('is neither a dump of pg_dump in custom format');
    expect((await check([join(folder, 'none')])).stderr).toContain('cannot be read');
    writeFileSync(file, 'PGDMP and more');
    expect((await check([file], { PATH: folder })).stderr).toContain('This machine has no pg_restore');
    const away = await check(['postgres://a:not-for-you@127.0.0.1:1/b']);
    expect(bad(away)).toEqual(['database: It cannot be reached (ECONNREFUSED).']);
    expect(away.code).toBe(2);
  });

  it('restores a dump of either format, and finds one that was cut off', async () => {
    const database = await createTestDatabase();
    try {
      const file = join(folder, 'dump');
      for (const format of ['custom', 'plain']) {
        try {
          execFileSync('pg_dump', ['-F', format, '-f', file, database.url], {
            stdio: ['ignore', 'ignore', 'pipe'],
          });
        } catch (error) {
          const why = String((error as { stderr?: Buffer }).stderr ?? error).split('\n')[0] ?? '';
          // The drill of a restore tries it with a server of the same release as the tools.
          process.stderr.write(`Not tried with a dump: ${why}.\n`);
          return;
        }
        const whole = await check([file]);
        expect(bad(whole)).toEqual(['age: There are no tasks and no events.']);
        truncateSync(file, 60_000);
        const cut = await check([file]);
        expect(cut.code).toBe(2);
      }
    } finally {
      await database.drop();
    }
  }, 90_000);
});
