import { describe, expect, it } from '@jest/globals';
import { judgeEndpoint } from './endpoint-address.js';

describe('the endpoint of a service', () => {
  it.each([
    ['http://127.0.0.1:3100', 'http://127.0.0.1:3100', ''],
    ['http://10.0.0.1:3100/', 'http://10.0.0.1:3100', ''],
    ['https://host.example/base/', 'https://host.example', '/base'],
    ['http://[::1]:3100', 'http://[::1]:3100', ''],
  ])('%s', (raw, origin, basePath) =>
    expect(judgeEndpoint(raw)).toEqual({ ok: true, address: { origin, basePath } }),
  );

  it.each([
    '',
    'nothing',
    'ftp://host.example',
    'http://user:password@host.example',
    'http://169.254.169.254',
    'http://[fe80::1]:1',
    'http://metadata.google.internal',
    'http://0.0.0.0:3100',
  ])('%s is not proxied', (raw) => expect(judgeEndpoint(raw).ok).toBe(false));
});
