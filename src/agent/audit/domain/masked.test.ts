import { expect, it } from '@jest/globals';
import { masked } from './masked.js';

it('tells contents by their size, secrets not at all, and of long texts the beginning', () => {
  expect(
    masked({
      file: 'a.txt',
      content: 'confidential',
      messages: [{ role: 'user' }],
      api_key: 'hush',
      provider: { authToken: 'hush', url: 'https://user:hush@example.com/x' },
      remote: 'https://token@example.com',
      message: 'm'.repeat(600),
      count: 5,
    }),
  ).toEqual({
    file: 'a.txt',
    content: '(12 characters)',
    messages: '(17 characters)',
    api_key: '***',
    provider: { authToken: '***', url: 'https://***@example.com/x' },
    remote: 'https://***@example.com',
    message: `${'m'.repeat(500)}… (600 characters)`,
    count: 5,
  });
});

it('is bounded in depth and width', () => {
  const wide = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, index]));
  expect(Object.keys(masked(wide))).toHaveLength(50);
  expect(masked({ a: { b: { c: { d: { e: { f: 'deep' } } } } } })).toEqual({
    a: { b: { c: { d: { e: '(12 characters)' } } } },
  });
});
