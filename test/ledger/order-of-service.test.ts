import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Foresight } from '../../src/control-plane/ledger/index.js';
import { startTestLedger, type TestLedger } from '../support/ledger.js';

const AGEING = 60;

let ledger: TestLedger;
beforeAll(
  async () => (ledger = await startTestLedger({ env: { SKYNET_PRIORITY_AGEING_SECS: `${AGEING}` } })),
);
afterAll(() => ledger.api.close());
afterEach(() => ledger.api.query('truncate tasks, task_dependencies, file_locks, file_waits'));

const TENANTS = Array.from({ length: 10 }, (_, index) => `tenant-${index}`);

/** How equal shares are: 1 when all are the same, 1/n when one has all. R. Jain, 1984. */
const jain = (shares: readonly number[]): number => {
  const sum = shares.reduce((total, share) => total + share, 0);
  return sum ** 2 / (shares.length * shares.reduce((total, share) => total + share ** 2, 0));
};

async function fill(projectId: string, count: number, more: object = {}): Promise<void> {
  await ledger.intake.enqueueTogether(
    ledger.database,
    Array.from({ length: count }, (_, index) => ({
      ...{ id: `${projectId}-${index}`, action: 'a', params: {}, priority: 0, dependencies: [], projectId },
      ...{ requiredFiles: [], readFiles: [], files: [], gatewayId: null, gatewayStrict: false },
      ...{ requiredCapabilities: [], delivery: 'any' as const, maxAttempts: null, leaseSeconds: null },
      ...more,
    })),
  );
}

const sharesOf = (claimed: readonly { readonly projectId: string }[]) =>
  TENANTS.map((tenant) => claimed.filter(({ projectId }) => projectId === tenant).length);

describe('projects', () => {
  it.each([
    ['one by one', 1],
    ['7 at a time', 7],
    ['40 at a time', 40],
  ])('share equally %s, however much each has waiting and however urgent it is', async (_, size) => {
    for (const [index, tenant] of TENANTS.entries())
      await fill(tenant, 30 + index * 40, { priority: index % 3 });
    const claimed = [];
    while (claimed.length < 280) claimed.push(...(await ledger.claim('w', size)));
    expect(Math.min(...sharesOf(claimed))).toBeGreaterThan(20);
    expect(jain(sharesOf(claimed))).toBeGreaterThan(0.99);
  });

  it('share equally when their tasks need files', async () => {
    for (const tenant of TENANTS) await fill(tenant, 20, { requiredFiles: ['one', 'two'] });
    const claimed = [];
    for (let turn = 0; turn < 100; turn++) {
      const [task] = await ledger.claim();
      if (task === undefined) throw new Error('Nothing was found.');
      claimed.push(task);
      await ledger.finish(task);
    }
    expect(sharesOf(claimed)).toEqual(TENANTS.map(() => 10));
  });

  it('leave what they do not use to the others, in the same call', async () => {
    await fill('few', 2);
    await fill('many', 30);
    expect(await ledger.claim('w', 20)).toHaveLength(20);
  });

  it('are served one after the other, each by its own lane, and by whoever asks', async () => {
    for (const project of ['a', 'b']) {
      await fill(project, 4);
      await fill(`${project}-gpu`, 4, {
        projectId: project,
        requiredCapabilities: ['gpu'],
        delivery: 'pull',
      });
    }
    // Plain workers take from one lane; those with a gpu from both.
    const taken = { plain: [] as string[], gpu: [] as string[] };
    for (let turn = 0; turn < 4; turn++) {
      const claimed = [...(await ledger.claim('plain')), ...(await ledger.claim('gpu', 1, ['gpu']))];
      expect(claimed).toHaveLength(2);
      for (const { projectId, requiredCapabilities } of claimed)
        taken[requiredCapabilities.length === 0 ? 'plain' : 'gpu'].push(projectId);
    }
    for (const order of Object.values(taken)) {
      expect(order).toEqual(order.map((_, index) => (index % 2 === 0 ? 'a' : 'b')));
    }
  });

  it('are foreseen in their turn', async () => {
    for (const tenant of TENANTS) await fill(tenant, 2);
    const claimer = { holder: 'worker', id: 'w', capabilities: [] } as const;
    for (let turn = 0; turn < 20; turn++) {
      const foreseen = await ledger.api.get(Foresight).peek(ledger.database, claimer);
      const [task] = await ledger.claim('w');
      expect(task?.id).toBe(foreseen?.id);
    }
    expect(await ledger.claim('w')).toEqual([]);
  });

  it('of which others hold all that is ready do not keep the next from being found', async () => {
    await fill('aaa', 1);
    await fill('zzz', 1);
    await ledger.database.transaction(async (tx) => {
      await ledger.api.get(Foresight).peek(tx, { holder: 'worker', id: 'w', capabilities: [] });
      const slots = ['other'];
      const first = await ledger.claims.claim(
        tx,
        { holder: 'worker', id: 'other', capabilities: [] },
        { slots, start: false },
      );
      const [second] = await ledger.claim('w');
      expect([first.claimed[0]?.projectId, second?.projectId].sort()).toEqual(['aaa', 'zzz']);
    });
  });
});

describe('a task that waits', () => {
  /** As if it had been handed in earlier. */
  const age = (id: string, seconds: number) =>
    ledger.api.query('update tasks set rank = rank - $2::bigint where id = $1', [id, seconds]);

  it('comes after those of a higher priority, until it has waited for what that is worth', async () => {
    for (const [id, priority] of [
      ['low', 0],
      ['high', 2],
      ['middle', 1],
    ] as const)
      await ledger.enqueue(id, { priority });
    const order = async () => (await ledger.claim('w', 3)).map(({ id }) => id);
    const again = () =>
      ledger.api.query(
        'update tasks set gate = 0, status = $1, holder = null, locked_by = null, claim_token = null, locked_at = null, lease_expires_at = null',
        ['queued'],
      );
    expect(await order()).toEqual(['high', 'middle', 'low']);
    await again();
    await age('low', AGEING * 1.5);
    expect(await order()).toEqual(['high', 'low', 'middle']);
    await again();
    await age('low', AGEING);
    expect(await order()).toEqual(['low', 'high', 'middle']);
  });

  it('gains on others in the queue for a file as well', async () => {
    await ledger.enqueue('owner', { requiredFiles: ['f'] });
    const [owner] = await ledger.claim();
    await ledger.enqueue('old', { requiredFiles: ['f'] });
    await ledger.api.query('update tasks set rank = rank - 90 where id = $1', ['old']);
    await ledger.api.query('update file_waits set rank = rank - 90');
    await ledger.enqueue('urgent', { requiredFiles: ['f'], priority: 1 });
    if (owner !== undefined) await ledger.finish(owner);
    expect((await ledger.claim())[0]?.id).toBe('old');
  });

  it('until a time is as old as that time', async () => {
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    await ledger.enqueue('scheduled', { runAt: soon, priority: 1 });
    const rows = await ledger.api.query<{ ahead: number }>(
      'select (rank - floor(extract(epoch from created_at)))::int as ahead from tasks',
    );
    expect(Math.abs((rows[0]?.ahead ?? 0) - (3_600 - AGEING))).toBeLessThanOrEqual(1);
  });
});
