import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { PausesService } from '../../src/control-plane/ledger/pauses.service.js';
import { SoleLine } from '../../src/control-plane/ledger/sole-line.service.js';
import { startTestLedger, type TestLedger } from '../support/ledger.js';
import { eventually } from '../support/eventually.js';
import { emptyLedger, idsOf } from '../support/keyed.js';

const WORKER = { holder: 'worker', id: 'w', capabilities: [] } as const;

let ledger: TestLedger;
beforeAll(async () => (ledger = await startTestLedger()));
afterAll(() => ledger.api.close());
afterEach(() => emptyLedger(ledger));

const guess = () => ledger.api.get(SoleLine).guessFor(WORKER);
let made = 0;
/**
 * Claims until the next claim has a guess to begin with. After a wrong one that takes a second; claims without a pause would
 * leave so many dead entries in the ready index meanwhile that the next ones began at marks.
 */
async function withGuess(): Promise<void> {
  await eventually('there is a guess', async () => {
    if (guess() !== null) return true;
    await ledger.enqueue(`made-${made++}`);
    await ledger.claim('w');
    return undefined;
  });
}

describe('a claim that guesses the only line', () => {
  it('has learned it from the claim before', async () => {
    await withGuess();
    expect(guess()).toMatchObject({ lane: 'action/any//', projectId: 'default' });
    for (const id of ['a', 'b', 'c']) await ledger.enqueue(id);
    expect(idsOf(await ledger.claim('w', 2))).toEqual(['a', 'b']);
    expect(idsOf(await ledger.claim('w', 2))).toEqual(['c']);
    expect(guess()).not.toBeNull();
  });

  it('overlooks neither another project nor another lane', async () => {
    await withGuess();
    await ledger.enqueue('mine');
    await ledger.enqueue('urgent', { requiredCapabilities: ['gpu'], priority: 1_000_000 });
    expect(idsOf(await ledger.claim('w', 2, ['gpu']))).toEqual(['urgent', 'mine']);

    await withGuess();
    for (const id of ['d1', 'd2', 'd3', 'd4']) await ledger.enqueue(id);
    for (const id of ['o1', 'o2']) await ledger.enqueue(id, { projectId: 'other' });
    const order: string[] = [];
    for (let turn = 0; turn < 4; turn++) order.push(...idsOf(await ledger.claim('w')));
    expect(order.filter((id) => id.startsWith('o'))).toEqual(['o1', 'o2']);
    expect(order.filter((id) => id.startsWith('d'))).toEqual(['d1', 'd2']);
  });

  it('is nothing to a project before the only one, nor to one behind it', async () => {
    for (const projectId of ['aaa', 'zzz']) {
      await withGuess();
      await ledger.enqueue(projectId, { projectId });
      expect(idsOf(await ledger.claim('w', 5))).toEqual([projectId]);
    }
  });

  it('takes nothing of what is paused', async () => {
    const pauses = ledger.api.get(PausesService);
    for (const target of [
      { scope: 'queue', name: '' },
      { scope: 'project', name: 'default' },
    ] as const) {
      await withGuess();
      await ledger.enqueue(`paused-${target.scope}`);
      await pauses.pause(ledger.database, target, '');
      expect(await ledger.claim('w')).toEqual([]);
      await pauses.resume(ledger.database, target);
      expect(idsOf(await ledger.claim('w'))).toEqual([`paused-${target.scope}`]);
    }
  });

  it('parks what is blocked, and leaves what needs a lock to those who have it', async () => {
    await withGuess();
    await ledger.enqueue('first', { requiredFiles: ['f'] });
    await ledger.enqueue('second', { requiredFiles: ['f'] });
    await ledger.enqueue('third');
    expect(idsOf(await ledger.claim('w', 5)).sort()).toEqual(['first', 'third']);
    expect(await ledger.gate('second')).toBe(2);
  });

  it('is made for workers only, and for lanes that are open to all of them', async () => {
    await withGuess();
    const gateways = [{ gatewayId: 'g', capabilities: [] }];
    expect(ledger.api.get(SoleLine).guessFor({ holder: 'dispatcher', id: 'd', gateways })).toBeNull();
    await ledger.enqueue('gpu', { requiredCapabilities: ['gpu'] });
    expect(idsOf(await ledger.claim('w', 1, ['gpu']))).toEqual(['gpu']);
    expect(guess()).toBeNull();
  });
});
