import { describe, expect, it } from '@jest/globals';
import { RetryBudget } from './retry-budget.js';

const taken = (budget: RetryBudget, nowMs: number, wanted: number) =>
  Array.from({ length: wanted }, () => budget.takeRetry(nowMs)).filter(Boolean).length;

describe('a retry budget', () => {
  it('allows a few retries without any requests, and a fifth of the requests beyond', () => {
    const budget = new RetryBudget();
    expect(taken(budget, 0, 100)).toBe(10);
    for (let request = 0; request < 100; request++) budget.request(1);
    expect(taken(budget, 2, 100)).toBe(20);
  });

  it('remembers one window, and forgets after a pause', () => {
    const budget = new RetryBudget();
    expect(taken(budget, 0, 100)).toBe(10);
    expect(taken(budget, 10_001, 100)).toBe(0);
    expect(taken(budget, 40_000, 100)).toBe(10);
  });
});
