import { describe, expect, it } from '@jest/globals';
import { chooseEndpoint } from './choose-endpoint.js';
import { Health, isHealthyAnswer, isOutage } from './health.js';

const endpoint = (healthy = true) => {
  const health = new Health();
  if (!healthy) health.fail(0, 1_000);
  return { health };
};

describe('the choice of an endpoint', () => {
  it('goes round', () => {
    const all = [endpoint(), endpoint(), endpoint()];
    expect([0, 1, 2, 3, 4].map((turn) => chooseEndpoint(all, turn, 0, []))).toEqual([0, 1, 2, 0, 1]);
  });

  it('skips those that are unhealthy, unless all are', () => {
    const [sick, well] = [endpoint(false), endpoint()];
    expect(chooseEndpoint([sick, well], 0, 0, [])).toBe(1);
    expect(chooseEndpoint([sick, endpoint(false)], 1, 0, [])).toBe(1);
    expect(chooseEndpoint([], 0, 0, [])).toBe(-1);
  });

  it('tries others first, then the same again', () => {
    const [sick, well] = [endpoint(false), endpoint()];
    expect(chooseEndpoint([sick, well], 0, 0, [well])).toBe(0);
    expect(chooseEndpoint([sick, well], 0, 0, [sick, well])).toBe(1);
  });
});

describe('health', () => {
  it('comes back after the cooldown, or with a good probe', () => {
    const health = new Health();
    expect(health.isHealthy(0)).toBe(true);
    expect([health.fail(0, 10), health.fail(5, 10)]).toEqual([true, false]);
    expect([14, 15].map((nowMs) => health.isHealthy(nowMs))).toEqual([false, true]);
    health.fail(20, 10);
    expect([health.recover(21), health.recover(21), health.isHealthy(21)]).toEqual([true, false, true]);
  });

  it('is judged by outages, not by errors of one request', () => {
    expect([500, 501, 502, 503, 504, 505].filter(isOutage)).toEqual([502, 503, 504]);
    expect([200, 302, 404, 499, 500].filter(isHealthyAnswer)).toEqual([200, 302, 404, 499]);
  });
});
