import { describe, expect, it } from '@jest/globals';
import { originForm, targetOf } from './target.js';

describe('the target of a request', () => {
  it.each([
    ['/v1/gateway/web', 'web', '/'],
    ['/v1/gateway/web/', 'web', '/'],
    ['/v1/gateway/web?a=1', 'web', '/?a=1'],
    ['/v1/gateway/web/a/b?c=/d?e', 'web', '/a/b?c=/d?e'],
    ['/v1/gateway/web/a%2Fb/%zz/../c', 'web', '/a%2Fb/%zz/../c'],
    ['/v1/gateway/web//x', 'web', '//x'],
    ['/v1/gateway/my%20web%2Fx/y', 'my web/x', '/y'],
  ])('%s', (url, key, path) => expect(targetOf(url)).toEqual({ key, path }));

  it.each(['/', '/v1/gateway', '/v1/gateway/', '/v1/gateway//x', '/v1/gateway/?x', '/v1/gateway/%ff/x', '*'])(
    '%s is none',
    (url) => expect(targetOf(url)).toBeUndefined(),
  );

  it('may be written as to a proxy', () => {
    expect(originForm('http://any.example/v1/gateway/a?b')).toBe('/v1/gateway/a?b');
    expect(originForm('HTTPS://any.example?b')).toBe('/?b');
    expect(originForm('*')).toBe('*');
  });
});
