import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestLedger, type TestLedger } from '../support/ledger.js';
import { eventually } from '../support/eventually.js';
import { ScriptableGateway } from '../support/scriptable-gateway.js';

const FAST = { SKYNET_STALE_LOCK_REAPER_ENABLED: '1', SKYNET_STALE_LOCK_REAPER_POLL_SECS: '0.1' };

let ledger: TestLedger;
beforeAll(async () => (ledger = await startTestLedger({ env: FAST })));
afterAll(() => ledger.api.close());

const expire = (id: string) =>
  ledger.api.query(`update tasks set lease_expires_at = now() - interval '1 second' where id = $1`, [id]);
const becomes = (id: string, status: string) =>
  eventually(`${id} is ${status}`, async () => {
    const task = await ledger.reader.findTask(id);
    return task?.status === status ? task : undefined;
  });

describe('a lease that runs out', () => {
  it('gives the task and its files to the next, while it has attempts left', async () => {
    await ledger.enqueue('r', { requiredFiles: ['f'], maxAttempts: 2 });
    await ledger.claim('dead');
    await expire('r');
    const task = await becomes('r', 'released');
    expect(task.error).toMatch(
      /^Stale lock detected by reaper \(locked_at=.*, worker_healthy=False, gateway_healthy=False\)\.$/,
    );
    expect(await ledger.api.query('select * from file_locks')).toEqual([]);
    await ledger.claim('dead too');
    await expire('r');
    expect((await becomes('r', 'failed_timeout')).error).toMatch(/^failed_timeout: Stale lock/);
  });

  it('is left alone when it was renewed in time', async () => {
    await ledger.enqueue('s');
    const [task] = await ledger.claim('alive');
    if (!task) throw new Error('not claimed');
    await ledger.claims.renew(ledger.database, [
      { taskId: 's', workerId: 'alive', claimToken: task.claimToken },
    ]);
    await ledger.enqueue('marker');
    await ledger.claim('dead');
    await expire('marker');
    await becomes('marker', 'released');
    expect(await ledger.status('s')).toBe('claimed');
    await ledger.finish(task);
    await ledger.endings.cancel(ledger.database, 'marker', '');
  });
});

describe('the sweep', () => {
  it('finds nothing in a healthy ledger, and mends and counts what must not be', async () => {
    expect(await ledger.upkeep.sweep()).toBe(0);
    await ledger.enqueue('lost', { requiredFiles: ['nobody'] });
    await ledger.api.query(`update tasks set gate = 2 where id = 'lost'`);
    await ledger.api.query(
      `insert into file_waits (task_seq, project_id, path, prefix, lane, rank) select seq, project_id, 'nobody', 'nobody', lane, 0 from tasks where id = 'lost'`,
    );
    // The reaper's own sweep may be faster: either way the task is awake again.
    await ledger.upkeep.sweep();
    expect(await ledger.gate('lost')).toBe(0);
    await ledger.endings.cancel(ledger.database, 'lost', '');
  });
});

describe('retention', () => {
  it('deletes old ended tasks with their events, and none that an unfinished one depends on', async () => {
    await ledger.enqueue('old');
    await ledger.enqueue('kept');
    for (const task of await ledger.claim('w', 2)) await ledger.finish(task);
    await ledger.enqueue('young', { dependencies: ['kept'] });
    await ledger.api.query(
      `update tasks set created_at = now() - interval '40 days', completed_at = now() - interval '40 days' where id in ('old', 'kept')`,
    );
    const { taskIds } = await ledger.upkeep.prune(0, 30);
    expect(taskIds).toEqual(['old']);
    expect(await ledger.status('old')).toBe('missing');
    expect(await ledger.status('kept')).toBe('succeeded');
  });
});

describe('an idle control plane', () => {
  it('writes nothing, with all loops running and a gateway that is probed', async () => {
    const gateway = await ScriptableGateway.start();
    const idle = await startTestLedger({
      env: {
        ...FAST,
        SKYNET_CONTROL_SCHEDULER_ENABLED: '1',
        SKYNET_CONTROL_SCHEDULER_POLL_SECS: '0.05',
        SKYNET_GATEWAY_PROBE_SECS: '0.05',
      },
    });
    try {
      await idle.api.post('/v1/register-gateway', { gateway_id: 'g', host: gateway.url });
      const written = async () => {
        const [row] = await idle.api.query<{ n: string }>(
          'select sum(n_tup_ins + n_tup_upd + n_tup_del)::text as n from pg_stat_user_tables',
        );
        return row?.n;
      };
      const statusCalls = () => idle.api.fetch('/v1/health');
      // Statistics are written with a delay: settle first, then watch for as long as many polls take.
      let last = await written();
      let calm = 0;
      await eventually('nothing is written any more', async () => {
        await statusCalls();
        const now = await written();
        calm = now === last ? calm + 1 : 0;
        last = now;
        return calm > 150 ? true : undefined;
      });
    } finally {
      await idle.api.close();
      await gateway.close();
    }
  });
});
