import { describe, expect, it } from '@jest/globals';
import { closestName } from './closest-name.js';
import { Env } from './env.js';
import { variables } from './variables/index.js';

describe('a setting', () => {
  it('is unset when it is absent, empty or blank, and trimmed otherwise', () => {
    for (const source of [{}, { SKYNET_HOST: '' }, { SKYNET_HOST: '  ' }, { SKYNET_HOST: undefined }]) {
      expect(new Env(source).isSet('SKYNET_HOST')).toBe(false);
    }
    expect(new Env({ SKYNET_HOST: ' h ' }).text('SKYNET_HOST')).toBe('h');
    expect(new Env({}).text('SKYNET_PORT')).toBe(variables.SKYNET_PORT.default);
  });

  it.each([
    ['80', 80, 0],
    [' +81 ', 81, 0],
    ['', 8_000, 0],
    ['1e3', 8_000, 1],
    ['0x10', 8_000, 1],
    ['1.5', 8_000, 1],
    ['-1', 8_000, 1],
    ['65536', 8_000, 1],
    ['٣', 8_000, 1],
  ])('%j as an integer is %d, with %d warnings', (raw, value, warnings) => {
    const env = new Env({ SKYNET_PORT: raw });
    expect(env.integer('SKYNET_PORT', { min: 0, max: 65_535 })).toBe(value);
    expect(env.warnings).toHaveLength(warnings);
  });

  it.each([
    ['0.5', 0.5],
    ['1e1', 10],
    ['NaN', 30],
    ['Infinity', 30],
    ['', 30],
  ])('%j as a number is %d', (raw, value) =>
    expect(new Env({ SKYNET_RETENTION_DAYS: raw }).number('SKYNET_RETENTION_DAYS', { min: 0, max: 99 })).toBe(
      value,
    ),
  );

  it('is a list by commas, without blanks', () => {
    expect(new Env({ CORS_ORIGINS: ' a ,, b,' }).list('CORS_ORIGINS')).toEqual(['a', 'b']);
  });
});

describe('a name', () => {
  it('of ours that nobody reads is told with what was meant, others are none of our business', () => {
    const env = new Env({
      SKYNET_HOTS: 'x',
      OPENCLAW_ZZZZZZZZZZZZZZZZZZZZ: 'x',
      SKYNET_NONE: '',
      OTHER: 'x',
    });
    env.checkNames();
    expect(env.warnings).toEqual([
      'SKYNET_HOTS is not a setting of this program. Did you mean SKYNET_HOST?',
      'OPENCLAW_ZZZZZZZZZZZZZZZZZZZZ is not a setting of this program.',
    ]);
  });

  it('of an older deployment is told to have no effect, and why', () => {
    const env = new Env({
      SKYCLAW_DB_PATH: 'x.db',
      SKYCLAW_PEER_DISCOVERY: '1',
      SKYCLAW_PEER_SYNC_MS: '3000',
    });
    env.checkNames();
    const why = 'replicas share one database and find each other there';
    expect(env.warnings).toEqual([
      'SKYCLAW_DB_PATH has no effect: all state is in PostgreSQL (DATABASE_URL).',
      `SKYCLAW_PEER_DISCOVERY has no effect: ${why}.`,
      `SKYCLAW_PEER_SYNC_MS has no effect: ${why}.`,
    ]);
  });

  it('close to another is found by its letters', () => {
    expect(closestName('serv', ['serve', 'migrate'])).toBe('serve');
    expect(closestName('xyz', ['serve', 'migrate'])).toBeUndefined();
    expect(closestName('serve', ['serve'])).toBe('serve');
    expect(closestName('', ['serve'])).toBeUndefined();
  });
});

describe('the catalogue', () => {
  it.each(Object.entries(variables))('says what %s is about in a sentence', (_name, { about }) =>
    expect(about).toMatch(/\S.*[.…]$/),
  );
});
