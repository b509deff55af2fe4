import { describe, expect, it } from '@jest/globals';
import { defaultGatewayId, defaultPublicUrl } from './identity.js';
import { verdictOf } from './verdict.js';

describe('a gateway that nobody has named', () => {
  it.each([
    ['build-3', '8766', 'openclaw-build-3-8766'],
    ["Ann's MacBook.local", '8767', 'openclaw-ann-s-macbook.local-8767'],
    ['x'.repeat(300), '1', `openclaw-${'x'.repeat(150)}-1`],
  ])('on %s is called by machine and port', (machine, port, id) => {
    expect(defaultGatewayId(machine, port)).toBe(id);
  });

  it.each([
    ['http://127.0.0.1:8766', 'http://127.0.0.1:8766'],
    ['http://localhost:8766', 'http://127.0.0.1:8766'],
    ['http://0.0.0.0:8766', 'http://box:8766'],
    ['http://[::]:8766', 'http://box:8766'],
    ['http://10.0.0.7:8766', 'http://10.0.0.7:8766'],
  ])('that listens on %s is reached at %s', (url, reachedAt) => {
    expect(defaultPublicUrl(url, 'box')).toBe(reachedAt);
  });
});

it.each([
  [200, 'taken'],
  [404, 'forgotten'],
  [400, 'refused'],
  [401, 'refused'],
  [422, 'refused'],
  [408, 'later'],
  [429, 'later'],
  [302, 'later'],
  [500, 'later'],
  [503, 'later'],
])('an answer %i means %s', (status, verdict) => {
  expect(verdictOf(status)).toBe(verdict);
});
