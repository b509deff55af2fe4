import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { limitMs } from '../support/long.js';
import { runs } from '../support/properties.js';
import { runFuzz } from './run.js';

let database: TestDatabase;
beforeAll(async () => (database = await createTestDatabase()));
afterAll(() => database.drop());

it(
  'answers requests with and without sense, tells nothing that it should not, and keeps its books',
  async () => {
    const plan = {
      requests: runs(600),
      seed: 20_251_122,
      limitMs: limitMs(20_000),
      progress: () => undefined,
    };
    const { sent, checked, findings, troubles, memory } = await runFuzz(database.url, plan);
    expect({ findings, troubles }).toEqual({ findings: [], troubles: [] });
    expect(sent).toBeGreaterThanOrEqual(600);
    expect(checked).toBeGreaterThan(150);
    expect(memory.warm).toBeGreaterThan(0);
  },
  limitMs(30_000),
);
