import { describe, expect, it } from '@jest/globals';
import { baseUrl, peerList } from './base-url.js';

describe('the address of a coordinator', () => {
  it.each([
    [' http://A.example:8787/ ', 'http://a.example:8787'],
    ['https://a.example:443/base//?q=1#x', 'https://a.example/base'],
    ['http://[::1]:8787', 'http://[::1]:8787'],
  ])('%s has a normal form', (raw, normal) => expect(baseUrl(raw)).toBe(normal));

  it.each([
    ...['', '  ', 'a.example', 'ftp://a.example', 'file:///etc/passwd', 'javascript:alert(1)', 'http://'],
    ...['http://user@a.example', 'http://user:secret@a.example', `http://a.example/${'x'.repeat(2_000)}`],
    `http://a.example/${'é'.repeat(1_900)}`,
  ])('%s is none', (raw) => expect(baseUrl(raw)).toBeNull());

  it('stands in the list once, in order, unless it is the own one', () => {
    expect(peerList(['http://b', 'http://a', 'http://self', 'http://b'], 'http://self')).toEqual([
      'http://a',
      'http://b',
    ]);
  });
});
