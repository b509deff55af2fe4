import { describe, expect, it } from '@jest/globals';
import { requestHeaders, type Sender } from './request-headers.js';
import { headerOf, responseHeaders } from './response-headers.js';

const stranger: Sender = { address: '192.0.2.7', isTrustedProxy: false, authorizedItself: false };
const added = [
  'x-forwarded-for',
  '192.0.2.7',
  'x-forwarded-proto',
  'http',
  'x-forwarded-host',
  'outside.example',
];
const passed = (
  raw: string[],
  { connection, sender = stranger }: { connection?: string; sender?: Sender } = {},
) => requestHeaders(raw, connection, 'outside.example', sender);

describe('headers to a service', () => {
  it('keep their order, spelling and repetitions', () => {
    const raw = ['X-One', '1', 'accept', 'a', 'Accept', 'b'];
    expect(passed(raw)).toEqual([...raw, ...added]);
  });

  it('lose what belongs to the connection, whether by rule or because Connection names it', () => {
    const raw = [
      'Connection',
      'x-private, Keep-Alive',
      'X-Private',
      '1',
      'Keep-Alive',
      'timeout=5',
      'TE',
      'trailers',
      'Transfer-Encoding',
      'chunked',
      'Upgrade',
      'h2c',
      'Proxy-Authorization',
      'x',
      'Host',
      'outside.example',
      'Expect',
      '100-continue',
    ];
    expect(passed(raw, { connection: 'x-private, Keep-Alive' })).toEqual(added);
  });

  it('keep their length, even if Connection names it', () => {
    const raw = ['Content-Length', '3', 'Connection', 'content-length'];
    expect(passed(raw, { connection: 'content-length' }).slice(0, 2)).toEqual(['Content-Length', '3']);
  });

  it('lose our credentials, and Authorization only when it carried the token', () => {
    const raw = [
      'X-Skyclaw-Token',
      'a',
      'x-skyclaw-host-token',
      'b',
      'x-skyclaw-gateway-token',
      'c',
      'Authorization',
      'Bearer t',
    ];
    expect(passed(raw)).toEqual(['Authorization', 'Bearer t', ...added]);
    expect(passed(raw, { sender: { ...stranger, authorizedItself: true } })).toEqual(added);
  });

  it('append to X-Forwarded-For, and take the word of a trusted proxy alone on scheme and host', () => {
    const raw = [
      'X-Forwarded-For',
      '198.51.100.1',
      'x-forwarded-for',
      '198.51.100.2',
      'X-Forwarded-Proto',
      'https',
      'X-Forwarded-Host',
      'front.example',
    ];
    const forwardedFor = '198.51.100.1, 198.51.100.2, 192.0.2.7';
    expect(passed(raw)).toEqual(['x-forwarded-for', forwardedFor, ...added.slice(2)]);
    expect(passed(raw, { sender: { ...stranger, isTrustedProxy: true } })).toEqual([
      'x-forwarded-for',
      forwardedFor,
      'x-forwarded-proto',
      'https',
      'x-forwarded-host',
      'front.example',
    ]);
  });
});

describe('headers of an answer', () => {
  it('keep every cookie, and lose what belongs to the connection', () => {
    const raw = [
      'Set-Cookie',
      'a=1',
      'set-cookie',
      'b=2',
      'X-Private',
      '1',
      'Connection',
      'x-private',
      'Keep-Alive',
      'timeout=5',
      'Transfer-Encoding',
      'chunked',
      'Content-Length',
      '2',
    ];
    expect(responseHeaders(raw)).toEqual(['Set-Cookie', 'a=1', 'set-cookie', 'b=2', 'Content-Length', '2']);
  });

  it('are found whatever their spelling', () => {
    expect(headerOf(['A', '1', 'Content-Type', 'x'], 'content-type')).toBe('x');
    expect(headerOf(['A', '1'], 'content-type')).toBeUndefined();
  });
});
