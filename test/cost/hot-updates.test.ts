import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ClaimedTask } from '../../src/control-plane/ledger/index.js';
import { storeAnswer, takeKey } from '../../src/control-plane/idempotency/idempotency.queries.js';
import {
  heartbeatOfGateway,
  markGatewaysUsed,
  setGatewayStatus,
  upsertGateway,
} from '../../src/control-plane/registry/gateways.queries.js';
import { HostsRegistry } from '../../src/control-plane/registry/index.js';
import {
  heartbeat,
  markWorkersSeen,
  upsertWorker,
} from '../../src/control-plane/registry/workers.queries.js';
import { type Tx } from '../../src/platform/database/database.js';
import { integer, onlyRow, text } from '../../src/platform/database/row.js';
import { statement } from '../../src/platform/database/statement.js';
import { eventually } from '../support/eventually.js';
import { startTestLedger, type TestLedger } from '../support/ledger.js';

const TASKS = 2_000;

let ledger: TestLedger;
let held: ClaimedTask[];
/** The transaction that was counted last. */
let lastXid = '0';
beforeAll(async () => {
  ledger = await startTestLedger();
  const request = { ...ledger.plain, params: { text: 'x'.repeat(100) } };
  for (let batch = 0; batch < TASKS / 500; batch++) {
    const tasks = Array.from({ length: 500 }, () => ledger.intake.newTask(request));
    await ledger.intake.insertAlone(ledger.database, tasks);
  }
  held = [];
  // All of them side by side: the least room that a page can have for another version of each of its rows.
  for (let batch = 0; batch < TASKS / 50; batch++) held.push(...(await ledger.claim('w', 50)));
  expect(held).toHaveLength(TASKS);
  const [row] = await ledger.api.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
  lastXid = row?.xid ?? lastXid;
});
afterAll(() => ledger.api.close());

const COUNTS = statement(
  'test.updates',
  `select coalesce(sum(n_tup_upd), 0)::bigint as updates, coalesce(sum(n_tup_hot_upd), 0)::bigint as hot,
     pg_current_xact_id()::text as xid
   from pg_stat_xact_user_tables where relname = $1`,
);

/**
 * What that transaction left dead may be pruned: every transaction that writes anywhere on the server began after it (a
 * session goes by the oldest of all databases), and nobody in this database keeps a snapshot, an autovacuum say.
 */
const quiet = () =>
  eventually('what is dead may be pruned', async () => {
    const [row] = await ledger.api.query<{ prunable: boolean }>(
      `select pg_snapshot_xmin(pg_current_snapshot()) > $1::xid8 and not exists (
         select from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and backend_xmin is not null) as prunable`,
      [lastXid],
    );
    return row?.prunable === true ? true : undefined;
  });

/** How many of the updates that `work` makes in a table touch no index. Counted by the session itself, as it goes. */
async function hotShare(table: string, work: (tx: Tx) => Promise<unknown>): Promise<number> {
  await quiet();
  return ledger.database.transaction(async (tx) => {
    const counts = async () => {
      const row = onlyRow(await tx.query(COUNTS, [table]));
      lastXid = text(row, 'xid');
      return { updates: integer(row, 'updates'), hot: integer(row, 'hot') };
    };
    const before = await counts();
    await work(tx);
    const after = await counts();
    expect(after.updates).toBeGreaterThan(before.updates);
    return (after.hot - before.hot) / (after.updates - before.updates);
  });
}

/** The same for the tasks that are held, `size` in a statement and a commit. */
async function shareInRuns(size: number, work: (tx: Tx, run: ClaimedTask[]) => Promise<unknown>) {
  let sum = 0;
  for (let from = 0; from < held.length; from += size) {
    const run = held.slice(from, from + size);
    sum += run.length * (await hotShare('tasks', (tx) => work(tx, run)));
  }
  return sum / held.length;
}

// A page may be full for a moment while autovacuum, which has a snapshot of its own, keeps what is dead.
const meanOf = (shares: readonly number[]) => shares.reduce((sum, share) => sum + share, 0) / shares.length;

const proofs = (tasks: readonly ClaimedTask[]) =>
  tasks.map(({ id, lockedBy, claimToken }) => ({ taskId: id, workerId: lockedBy, claimToken }));

describe('updates that touch no index', () => {
  it('are starts, 50 neighbours in a statement, mostly', async () => {
    const share = await shareInRuns(50, (tx, run) => ledger.claims.start(tx, proofs(run)));
    expect(share).toBeGreaterThan(0.7);
  });

  it('are renewals, 500 neighbours in a statement, from the second time on all', async () => {
    const renewAll = () => shareInRuns(500, (tx, run) => ledger.claims.renew(tx, proofs(run)));
    expect(await renewAll()).toBeGreaterThan(0.8);
    expect(await renewAll()).toBeGreaterThan(0.95);
  });

  it('are renewals one by one, nearly all', async () => {
    const few = held.splice(100);
    expect(await shareInRuns(1, (tx, run) => ledger.claims.renew(tx, proofs(run)))).toBeGreaterThan(0.9);
    held.push(...few);
  });

  it('are heartbeats and calls of 500 workers, nearly all', async () => {
    const { database } = ledger;
    const ids = Array.from({ length: 500 }, (_, index) => `worker-${index}`);
    for (const workerId of ids) {
      const rest = {
        gatewayId: null,
        capabilities: ['a'],
        status: 'online',
        capacity: {},
        metadata: { workerId },
      };
      await upsertWorker(database, { workerId, ...rest });
    }
    const shares: number[] = [];
    for (let round = 0; round < 3; round++) {
      shares.push(await hotShare('workers', (tx) => markWorkersSeen(tx, ids)));
    }
    for (const workerId of ids.slice(0, 50)) {
      shares.push(await hotShare('workers', (tx) => heartbeat(tx, workerId, null)));
    }
    expect(meanOf(shares)).toBeGreaterThan(0.9);
  });

  it('are heartbeats of 100 hosts, nearly all', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `host-${index}`);
    const said = { capabilities: null, reportedActiveLeases: 1 };
    const registry = ledger.api.get(HostsRegistry);
    for (const id of ids) {
      const application = {
        ...{ id, name: id, capabilities: ['a'], maxParallel: 1, defaultTimeoutMs: null, tellsServices: true },
      };
      await ledger.database.transaction((tx) =>
        registry.register(tx, application, { token: '', registrationKey: null }),
      );
    }
    const shares: number[] = [];
    for (const id of ids) shares.push(await hotShare('workers', (tx) => registry.heartbeat(tx, id, said)));
    expect(meanOf(shares)).toBeGreaterThan(0.9);
  });

  it('are calls and changes of the status of 100 gateways, nearly all', async () => {
    const found = { status: 'online', reason: '' };
    const ids = Array.from({ length: 100 }, (_, index) => `gateway-${index}`);
    for (const gatewayId of ids) {
      const rest = { host: 'http://127.0.0.1:1', capabilities: [], status: 'online', metadata: {} };
      const said = { version: '1', slots: 8, load: 0 };
      await upsertGateway(ledger.database, { gatewayId, protocol: 'skynet', ...rest, ...said }, found);
    }
    const shares: number[] = [];
    for (let round = 0; round < 3; round++) {
      for (const gatewayId of ids) {
        shares.push(await hotShare('gateways', (tx) => markGatewaysUsed(tx, [gatewayId])));
        const gateway = { gatewayId, host: 'http://127.0.0.1:1', declaredStatus: null };
        const change = { ...gateway, status: 'offline', reason: `round ${round}`, answered: true };
        shares.push(await hotShare('gateways', (tx) => setGatewayStatus(tx, change)));
        const said = { version: null, slots: null, load: round, status: 'online' };
        shares.push(await hotShare('gateways', (tx) => heartbeatOfGateway(tx, gatewayId, said)));
      }
    }
    expect(meanOf(shares)).toBeGreaterThan(0.9);
  });

  it('are answers to an idempotency key in the transaction that took it, all', async () => {
    for (let index = 0; index < 200; index++) {
      const key = {
        scope: 'a'.repeat(64),
        key: `key-${index}`,
        requestHash: 'b'.repeat(64),
        ttlMs: 86_400_000,
      };
      const answer = { task: { id: `task-${index}`, action: 'act', params: { text: 'x'.repeat(200) } } };
      const share = await hotShare('idempotency_keys', async (tx) => {
        await takeKey(tx, key, null);
        await storeAnswer(tx, key, answer);
      });
      expect(share).toBe(1);
    }
  });
});
