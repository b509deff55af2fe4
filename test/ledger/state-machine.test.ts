import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ClaimedTask } from '../../src/control-plane/ledger/index.js';
import {
  terminalStates,
  type TaskStatus,
  taskStates,
  verbs,
} from '../../src/control-plane/ledger/domain/task-state.js';
import { startTestLedger, type TestLedger } from '../support/ledger.js';

let ledger: TestLedger;
beforeAll(async () => (ledger = await startTestLedger()));
afterAll(() => ledger.api.close());

let count = 0;

/** A new task in a state, reached by the ledger's own verbs, with the last claim that was made on the way. */
async function aTaskIn(state: TaskStatus): Promise<{ id: string; claim: ClaimedTask | undefined }> {
  const id = `${state}-${(count += 1)}`;
  await ledger.enqueue(id, { priority: count });
  if (state === 'queued') return { id, claim: undefined };
  const [claim] = await ledger.claim();
  if (claim?.id !== id) throw new Error(`Claimed ${claim?.id} instead of ${id}.`);
  const proof = proofOf(claim);
  if (state === 'running') await ledger.start(claim);
  if (state === 'succeeded') await ledger.finish(claim);
  if (state === 'failed') await ledger.finish(claim, false);
  if (state === 'failed_timeout') await ledger.endings.timeOut(ledger.database, proof, 'too late');
  if (state === 'released') await ledger.endings.release(ledger.database, proof, { reason: '' });
  return { id, claim };
}

const proofOf = (claim: ClaimedTask | undefined, id = claim?.id ?? '') => ({
  taskId: id,
  workerId: claim?.lockedBy ?? 'worker',
  claimToken: claim?.claimToken ?? 'no token',
});

const attempts: Record<
  Exclude<keyof typeof verbs, 'failWithDependency' | 'expire'>,
  (id: string, claim?: ClaimedTask) => Promise<unknown>
> = {
  claim: () => ledger.claim(),
  start: async (id, claim) =>
    (await ledger.claims.start(ledger.database, [proofOf(claim, id)])).has(claim?.id ?? id),
  succeed: (id, claim) =>
    ledger.endings.complete(ledger.database, proofOf(claim, id), { success: true, result: {}, error: '' }),
  fail: (id, claim) =>
    ledger.endings.complete(ledger.database, proofOf(claim, id), { success: false, result: {}, error: 'no' }),
  release: (id, claim) => ledger.endings.release(ledger.database, proofOf(claim, id), { reason: 'back' }),
  timeOut: (id, claim) => ledger.endings.timeOut(ledger.database, proofOf(claim, id), 'late'),
  cancel: (id) => ledger.endings.cancel(ledger.database, id, '').catch(() => 'refused'),
  retry: (id) => ledger.endings.retry(ledger.database, id, '').catch(() => 'refused'),
};

describe('the table of verbs', () => {
  it('reaches every state, and leaves every state that is not terminal', () => {
    const reached = new Set<TaskStatus>(['queued', ...Object.values(verbs).map((verb) => verb.to)]);
    const left = new Set<TaskStatus>(Object.values(verbs).flatMap((verb) => [...verb.from]));
    expect([...taskStates].filter((state) => !reached.has(state))).toEqual([]);
    expect([...taskStates].filter((state) => !left.has(state))).toEqual(['succeeded']);
    expect(
      terminalStates.filter((state) => (verbs.cancel.from as readonly string[]).includes(state)),
    ).toEqual([]);
  });
});

describe.each(taskStates)('a task that is %s', (state) => {
  it.each(Object.keys(attempts) as (keyof typeof attempts)[])(
    'answers "%s" as the table says',
    async (verb) => {
      const { id, claim } = await aTaskIn(state);
      const before = await ledger.reader.findTask(id);
      await attempts[verb](id, claim);
      const after = await ledger.reader.findTask(id);
      const legal = (verbs[verb].from as readonly TaskStatus[]).includes(state);
      if (legal) {
        expect(after?.status).toBe(verbs[verb].to);
        expect(after?.version).toBeGreaterThan(before?.version ?? 0);
      } else {
        expect(after).toEqual(before);
      }
      // Later cases claim by priority: leave nothing behind that would be in their way.
      await ledger.endings.cancel(ledger.database, id, '').catch(() => undefined);
    },
  );
});

describe('a proof that does not hold', () => {
  it.each([
    ['another token', (task: ClaimedTask) => ({ ...proofOf(task), claimToken: 'f'.repeat(32) })],
    ['another worker', (task: ClaimedTask) => ({ ...proofOf(task), workerId: 'somebody else' })],
    ['another task', (task: ClaimedTask) => ({ ...proofOf(task), taskId: 'nothing' })],
  ])('changes nothing with %s', async (_what, change) => {
    const { id, claim } = await aTaskIn('running');
    if (claim === undefined) throw new Error('not claimed');
    const before = await ledger.reader.findTask(id);
    const proof = change(claim);
    expect(
      await ledger.endings.complete(ledger.database, proof, { success: true, result: {}, error: '' }),
    ).toBe(false);
    expect(await ledger.endings.release(ledger.database, proof, { reason: '' })).toBe(false);
    expect((await ledger.claims.renew(ledger.database, [proof])).size).toBe(0);
    expect(await ledger.reader.findTask(id)).toEqual(before);
    await ledger.endings.cancel(ledger.database, id, '');
  });

  it('is what a token becomes when the task is released and claimed again', async () => {
    const { id, claim } = await aTaskIn('released');
    const [second] = await ledger.claim('other');
    expect(second?.id).toBe(id);
    expect(second?.claimToken).not.toBe(claim?.claimToken);
    expect(second?.leaseNumber).toBe((claim?.leaseNumber ?? 0) + 1);
    expect((await ledger.claims.start(ledger.database, [proofOf(claim)])).size).toBe(0);
    await ledger.endings.cancel(ledger.database, id, '');
  });
});
