import { describe, expect, it } from '@jest/globals';
import { judgeHost } from './gateway-host.js';

describe('the host of a gateway', () => {
  it.each([
    ['http://127.0.0.1:8766', 'http://127.0.0.1:8766'],
    ['https://gateway.example/path/', 'https://gateway.example/path'],
    ['http://[::1]:8766/', 'http://[::1]:8766'],
    ['http://10.0.0.5', 'http://10.0.0.5'],
  ])('%s is accepted', (raw, host) => expect(judgeHost(raw, [])).toEqual({ ok: true, host }));

  it.each([
    ...[
      '',
      'gateway',
      'ftp://x',
      'file:///etc/passwd',
      'javascript:alert(1)',
      'http://user:pass@x',
      'http://x/#y',
      'http://x#',
    ],
    ...[
      'http://x?y=1',
      'http://169.254.169.254',
      'http://169.254.1.1:80/x',
      'http://2852039166',
      'http://0xA9FEA9FE',
    ],
    ...[
      'http://0251.0376.0251.0376',
      'http://[::ffff:169.254.169.254]',
      'http://[fe80::1]',
      'http://[fd00:ec2::254]',
    ],
    ...[
      'http://[64:ff9b::a9fe:a9fe]',
      'http://[2002:a9fe:a9fe::1]',
      'http://0.0.0.0',
      'http://[::]',
      'http://255.255.255.255',
    ],
    ...[
      'http://224.0.0.1',
      'http://[ff02::1]',
      'http://metadata.google.internal',
      'http://METADATA.google.internal.',
    ],
    ...['http://100.100.100.200', 'http://[::169.254.169.254]'],
  ])('%s is refused', (raw) => expect(judgeHost(raw, []).ok).toBe(false));

  it('must be covered by the allowlist when there is one', () => {
    const list = ['gateway.example', '10.1.0.0/16', '::1'];
    expect(judgeHost('http://gateway.example', list).ok).toBe(true);
    expect(judgeHost('http://10.1.2.3', list).ok).toBe(true);
    expect(judgeHost('http://[::1]:1', list).ok).toBe(true);
    expect(judgeHost('http://10.2.0.1', list).ok).toBe(false);
    expect(judgeHost('http://other.example', list).ok).toBe(false);
  });
});
