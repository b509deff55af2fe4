import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ChatModels, type ProvidersError } from '../../src/gateway/providers/index.js';
import { hello, HOUR, MINUTE, ProvidersFixture, SECOND } from './fixture.js';

let fixture: ProvidersFixture;

beforeEach(async () => {
  fixture = await ProvidersFixture.create();
});
afterEach(() => fixture.close());

/** How many of `count` callers at once were answered. */
async function answered(gateways: readonly ChatModels[], count: number): Promise<number> {
  const callers = Array.from({ length: Math.ceil(count / gateways.length) }, () => gateways).flat();
  const outcomes = await Promise.all(
    callers.slice(0, count).map((models) =>
      models.complete(hello).then(
        () => 'answered',
        (error: unknown) => (error as ProvidersError).kind,
      ),
    ),
  );
  expect(outcomes.filter((outcome) => outcome !== 'answered' && outcome !== 'unavailable')).toEqual([]);
  return outcomes.filter((outcome) => outcome === 'answered').length;
}

describe('quotas', () => {
  it('give the last calls of a minute to as many callers as there are calls, over several gateways', async () => {
    const gateways = [
      await fixture.start({ providers: ['claude'] }),
      await fixture.start({ providers: ['claude'] }),
      await fixture.start({ providers: ['claude'] }),
    ];
    expect(await answered(gateways, 4)).toBe(4);
    fixture.pass(30 * SECOND);
    expect(await answered(gateways, 20)).toBe(1);
    expect(fixture.stub.received).toHaveLength(5);
    await expect(gateways[0]?.complete(hello)).rejects.toMatchObject({
      message: 'No AI providers available — all quotas exhausted or in cooldown.',
      retryAfterSeconds: 30,
    });
    // The window slides: the first four calls leave it before the fifth.
    fixture.pass(30 * SECOND);
    expect(await answered(gateways, 20)).toBe(4);
  });

  it('give the last request of a day to one of 20 callers, and begin anew at midnight UTC', async () => {
    const gateways = [
      await fixture.start({ providers: ['claude'] }),
      await fixture.start({ providers: ['claude'] }),
    ];
    for (let used = 0; used < 99; used += 3) {
      expect(await answered(gateways, 3)).toBe(3);
      fixture.pass(MINUTE);
    }
    expect(await answered(gateways, 20)).toBe(1);
    fixture.pass(MINUTE);
    expect(await answered(gateways, 20)).toBe(0);
    fixture.pass(11 * HOUR);
    expect(await answered(gateways, 2)).toBe(0);
    fixture.pass(HOUR);
    expect(await answered(gateways, 2)).toBe(2);
  });

  it('outlive a restart, and so do rests', async () => {
    const before = await fixture.start({ providers: ['claude'] });
    expect(await answered([before], 5)).toBe(5);
    await before.close(0);
    const after = await fixture.start({ providers: ['claude'] });
    expect(await answered([after], 3)).toBe(0);
    fixture.pass(MINUTE);
    fixture.stub.fails('claude', 429);
    await expect(after.complete(hello)).rejects.toMatchObject({ kind: 'failed' });
    await expect(after.complete(hello)).rejects.toMatchObject({ kind: 'failed' });
    await after.close(0);
    fixture.stub.says('claude', { text: 'Fine.' });
    const third = await fixture.start({ providers: ['claude'] });
    expect(await answered([third], 1)).toBe(0);
    fixture.pass(300 * SECOND);
    expect(await answered([third], 1)).toBe(1);
  });

  it('count every attempt to the minute, and to the day only what was answered', async () => {
    const models = await fixture.start({ providers: ['claude'] });
    fixture.stub.fails('claude', 500);
    for (let round = 0; round < 5; round++) {
      await expect(models.complete(hello)).rejects.toMatchObject({ kind: 'failed' });
    }
    await expect(models.complete(hello)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(fixture.stub.received).toHaveLength(5);
    fixture.stub.says('claude', { text: 'Fine.' });
    for (let used = 0; used < 100; used += 5) {
      fixture.pass(MINUTE);
      expect(await answered([models], 5)).toBe(5);
    }
    fixture.pass(MINUTE);
    expect(await answered([models], 1)).toBe(0);
  });

  it('stop a chain when its calls of the minute are used up', async () => {
    const models = await fixture.start({ providers: ['openrouter', 'groq'] });
    fixture.stub.fails('openrouter', 500);
    for (let round = 0; round < 4; round++) await models.complete({ ...hello, model: 'openrouter' });
    expect(fixture.stub.asked('openrouter')).toHaveLength(20);
    expect(fixture.stub.asked('groq')).toHaveLength(4);
  });
});
