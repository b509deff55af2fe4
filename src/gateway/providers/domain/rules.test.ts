import { describe, expect, it } from '@jest/globals';
import { providerNames, providerTraits } from './catalogue.js';
import { consequenceAlone, consequenceInChain, type FailureStatus } from './failure.js';
import { afterFailure, afterSuccess, healthy, isCooling, isLast } from './health.js';
import { orderOfModels } from './model-chain.js';
import { type Candidate, choose, type Demand, endOfDay, endOfHindrance, hindranceOf } from './selection.js';
import { estimateTokens } from './token-estimate.js';
import { readWantedModel } from './wanted-model.js';
import { fc } from '../../../../test/support/properties.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const NOW = Date.UTC(2026, 0, 15, 12);

describe('what follows from a failure', () => {
  it.each<[FailureStatus, string, number | undefined]>([
    [400, 'give-up', undefined],
    [401, 'next-provider', undefined],
    [402, 'next-model', HOUR],
    [403, 'next-provider', undefined],
    [404, 'next-model', 6 * HOUR],
    [408, 'next-model', 60 * SECOND],
    [413, 'next-provider', undefined],
    [429, 'next-model', 180 * SECOND],
    [500, 'next-model', 60 * SECOND],
    [599, 'next-model', 60 * SECOND],
    ['network', 'next-model', 60 * SECOND],
    ['timeout', 'next-model', 60 * SECOND],
  ])('of %s in a chain is %s', (status, kind, coolMs) => {
    expect(consequenceInChain(status)).toEqual(coolMs === undefined ? { kind } : { kind, coolMs });
    expect(consequenceAlone(status)).toEqual({ kind: kind === 'give-up' ? kind : 'next-provider' });
  });
});

describe('the health of a provider', () => {
  it('counts a 429 only with one of the 10 minutes before', () => {
    const once = afterFailure(healthy, 429, NOW);
    expect(isCooling(once, NOW)).toBe(false);
    expect(isCooling(afterFailure(once, 429, NOW + 10 * MINUTE + 1), NOW + 10 * MINUTE + 1)).toBe(false);
    const twice = afterFailure(once, 429, NOW + 10 * MINUTE);
    expect(twice.coolingUntil).toBe(NOW + 10 * MINUTE + 300 * SECOND);
    expect(afterFailure(afterSuccess(once), 429, NOW).coolingUntil).toBeNull();
    expect(afterFailure(afterFailure(once, 500, NOW), 429, NOW).coolingUntil).toBe(NOW + 300 * SECOND);
  });

  it('is last for an hour from the third error in a row on', () => {
    const two = afterFailure(afterFailure(healthy, 500, NOW), 'network', NOW);
    expect(isLast(two, NOW)).toBe(false);
    const three = afterFailure(two, 401, NOW);
    expect([isLast(three, NOW + HOUR - 1), isLast(three, NOW + HOUR)]).toEqual([true, false]);
    expect(isLast(afterFailure(afterSuccess(two), 500, NOW), NOW)).toBe(false);
    expect(isLast(afterSuccess(three), NOW)).toBe(true);
  });
});

it('a chain begins with its first model that is not cooling, and loses none', () => {
  const chain = ['a', 'b', 'c', 'd', 'e'];
  const ends = fc.array(fc.tuple(fc.constantFrom(...chain), fc.integer({ min: NOW - 5, max: NOW + 5 })));
  fc.assert(
    fc.property(ends, (entries) => {
      const rests = new Map(entries);
      const isResting = (model: string) => (rests.get(model) ?? 0) > NOW;
      const order = orderOfModels(chain, rests, NOW);
      expect([...order].sort()).toEqual(chain);
      const awake = chain.filter((model) => !isResting(model));
      expect(order.slice(0, awake.length)).toEqual(awake);
      const tired = order.slice(awake.length).map((model) => rests.get(model) ?? 0);
      expect(tired).toEqual([...tired].sort((a, b) => a - b));
    }),
  );
});

describe('the selection', () => {
  const all: Candidate[] = providerNames.map((name) => ({
    name,
    traits: providerTraits[name],
    absence: null,
    health: healthy,
    usedToday: 0,
    usedThisMinute: 0,
    firstAttemptAt: null,
  }));
  const [gemini] = all as [Candidate];
  const anything: Demand = { wanted: { kind: 'auto' }, taskType: 'general', needsTools: false, tokens: 10 };

  it.each<[string, Partial<Candidate>, Partial<Demand>, string | null, number | null]>([
    ['nothing', {}, {}, null, null],
    ['another wish', {}, { wanted: { kind: 'only', provider: 'groq', model: 'x' } }, 'not-allowed', null],
    ['absence', { absence: 'Away.' }, {}, 'absent', null],
    [
      'a model without tools',
      { traits: { ...providerTraits.gemini, tools: false } },
      { needsTools: true },
      'no-tools',
      null,
    ],
    ['its context', {}, { tokens: 1_048_577 }, 'too-long', null],
    ['its day', { usedToday: 1_500 }, {}, 'day-used', endOfDay(NOW)],
    ['its minute', { usedThisMinute: 15, firstAttemptAt: NOW - 10 }, {}, 'minute-used', NOW - 10 + MINUTE],
    ['a rest', { health: { ...healthy, coolingUntil: NOW + 7 } }, {}, 'cooling', NOW + 7],
    ['a rest that is over', { health: { ...healthy, coolingUntil: NOW } }, {}, null, null],
  ])('is hindered by %s', (_what, candidate, demand, hindrance, end) => {
    const one = { ...gemini, ...candidate };
    expect(hindranceOf(one, { ...anything, ...demand }, NOW)).toBe(hindrance);
    expect(endOfHindrance(one, NOW)).toBe(end);
  });

  it('puts the wish before the type of the task, that before the priority, and the troubled behind all', () => {
    const troubled = all.map((one) =>
      one.name === 'deepseek' ? { ...one, health: { ...healthy, lastUntil: NOW + 1 } } : one,
    );
    const demand: Demand = {
      ...anything,
      wanted: { kind: 'prefer', provider: 'openai' },
      taskType: 'hard_debug',
    };
    const names = (candidates: readonly Candidate[]) =>
      choose(candidates, demand, NOW).map(({ name }) => name);
    expect(names(all)).toEqual(['openai', 'deepseek', 'claude', 'gemini', 'groq', 'openrouter', 'ollama']);
    expect(names(troubled)).toEqual([
      'openai',
      'claude',
      'gemini',
      'groq',
      'openrouter',
      'ollama',
      'deepseek',
    ]);
  });

  it('ends the day at midnight UTC', () => {
    expect(new Date(endOfDay(NOW)).toISOString()).toBe('2026-01-16T00:00:00.000Z');
    expect(endOfDay(Date.UTC(2026, 0, 16)) - Date.UTC(2026, 0, 16)).toBe(24 * HOUR);
  });
});

it.each([
  [undefined, { kind: 'auto' }],
  ['auto', { kind: 'auto' }],
  ['groq', { kind: 'prefer', provider: 'groq' }],
  ['openrouter/auto', { kind: 'prefer', provider: 'openrouter' }],
  ['openrouter/a/b:free', { kind: 'only', provider: 'openrouter', model: 'a/b:free' }],
  ['openrouter/', undefined],
  ['gpt-4o', undefined],
  ['constructor/x', undefined],
  ['', undefined],
])('the model %s is read as what it asks for', (text, wanted) => {
  expect(readWantedModel(text)).toEqual(wanted);
});

it('tokens are estimated by bytes, with tools, calls and the answer', () => {
  const messages = [{ role: 'user', content: 'x'.repeat(400) }] as const;
  expect(estimateTokens({ messages })).toBe(100 + 4 + 1_024);
  expect(estimateTokens({ messages: [{ role: 'user', content: '語'.repeat(400) }], maxTokens: 1 })).toBe(305);
  const toolCalls = [{ id: 'a', name: 'four', arguments: '{"a": 1}' }];
  expect(estimateTokens({ messages: [{ role: 'assistant', content: '', toolCalls }], maxTokens: 1 })).toBe(8);
  expect(estimateTokens({ messages, tools: [{ name: 'look' }], maxTokens: 1 })).toBe(100 + 4 + 5 + 1);
});
