import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { cases } from './situations/index.js';
import { Stage } from './support.js';

let stage: Stage;
beforeAll(async () => (stage = await Stage.open()));
afterAll(() => stage.close());
beforeEach(() => stage.clear());

describe('whoever waits because', () => {
  it.each(cases.filter(({ reasons }) => Object.keys(reasons).length > 0))(
    '$name is told which calls can be made, and they can be',
    async ({ setUp, never }) => {
      await setUp(stage);
      const { reasons } = await stage.explain('t');
      const calls = reasons.flatMap(({ unblock }) => unblock);
      expect(calls.length).toBeLessThanOrEqual(20);
      for (const call of calls) expect([call.path, await stage.make(call)]).toEqual([call.path, 200]);
      if (never) expect((await stage.explain('t')).never).toBe(false);
    },
  );
});
