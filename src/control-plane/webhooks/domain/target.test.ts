import { expect, it } from '@jest/globals';
import { refusalOfTarget } from './target.js';

const STRICT = { allowHttp: false, allowedNetworks: [] };

it.each([
  ...[
    '',
    'example.com',
    'ftp://example.com',
    'file:///etc/passwd',
    'http://example.com',
    'https://u:p@example.com',
  ],
  ...[
    'https://example.com/#x',
    'https://127.0.0.1',
    'https://127.1',
    'https://0x7f000001',
    'https://2130706433',
  ],
  ...['https://0177.0.0.1', 'https://[::1]', 'https://[::ffff:127.0.0.1]', 'https://[::ffff:7f00:1]'],
  ...[
    'https://169.254.169.254/latest',
    'https://metadata.google.internal',
    'https://10.0.0.1',
    'https://0.0.0.0',
  ],
])('%s is no address of a webhook', (url) => expect(refusalOfTarget(url, STRICT)).not.toBeNull());

it('is an address when it is public, or allowed', () => {
  expect(refusalOfTarget('https://example.com:8443/hook?x=1', STRICT)).toBeNull();
  expect(refusalOfTarget('http://example.com', { ...STRICT, allowHttp: true })).toBeNull();
  expect(refusalOfTarget('https://10.0.0.1', { ...STRICT, allowedNetworks: ['10.0.0.0/8'] })).toBeNull();
});
