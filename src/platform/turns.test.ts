import { expect, it } from '@jest/globals';
import { Turns } from './turns.js';

it('runs no more at once than it may, first come first served, and goes on after a failure', async () => {
  const turns = new Turns(2);
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 7 }, (_, index) =>
      turns.run(async () => {
        order.push(index);
        most = Math.max(most, ++running);
        await Promise.resolve();
        running--;
        if (index === 2) throw new Error('no');
        return index;
      }),
    ),
  );
  expect(most).toBe(2);
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(results.map(({ status }) => status)).toEqual([
    ...['fulfilled', 'fulfilled', 'rejected'],
    ...['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'],
  ]);
});

it('lets who is not wanted any more leave the row', async () => {
  const turns = new Turns(1);
  let end!: () => void;
  const first = turns.run(() => new Promise<void>((resolve) => (end = resolve)));
  const leaving = new AbortController();
  const second = turns.run(() => Promise.reject(new Error('It had its turn.')), leaving.signal);
  const third = turns.run(() => Promise.resolve('third'));
  leaving.abort('enough');
  await expect(second).rejects.toMatchObject({ reason: 'enough' });
  end();
  await first;
  expect(await third).toBe('third');
});
