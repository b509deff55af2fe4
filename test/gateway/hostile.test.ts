import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { isLong, limitMs } from '../support/long.js';
import { GatewayFixture, post } from './fixture.js';
import { fc } from '../support/properties.js';

let fixture: GatewayFixture;
let gateway: RunningGateway;

beforeAll(async () => {
  fixture = await GatewayFixture.create();
  gateway = await fixture.start();
});
afterAll(() => fixture.close());

/** Sends bytes as they are and returns what comes back until the other side has nothing more to say. */
function raw(text: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(gateway.url);
  return new Promise((done) => {
    let reply = '';
    const socket = net.connect(Number(port), hostname, () => socket.end(text));
    socket.on('data', (chunk: Buffer) => (reply += chunk.toString()));
    // Cut off in the middle of a senseless request, the sender may hear of that before it hears the answer.
    socket.once('error', () => undefined).once('close', () => done(reply));
  });
}

const statusOf = (reply: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(reply)?.[1]);
const request = (line: string, body = '', headers = '') =>
  `${line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;

describe('hostile requests', () => {
  it.each([
    ['a path that is no text', request('GET /%zz')],
    ['a path with NUL', request('GET /%00')],
    ['a path that climbs', request('GET /../../etc/passwd')],
    ['a long path', request(`GET /${'a'.repeat(10_000)}`)],
    ['an unknown method', request('PROPFIND /action')],
    ['no JSON', request('POST /action', '{"action":')],
    ['a BOM', request('POST /action', '\ufeff{"action":"file_read"}')],
    ['bytes that are no UTF-8', Buffer.from(request('POST /action', '{"action":"\x00\x01"}'), 'latin1')],
    ['NUL', request('POST /action', '{"action":"a\\u0000b"}')],
    ['half of a surrogate pair', request('POST /action', '{"action":"\\ud800"}')],
    ['deep JSON', request('POST /action', `{"action":"file_read","params":${'{"a":'.repeat(5_000)}`)],
    ['a form', request('POST /action', 'action=x', 'content-type: application/x-www-form-urlencoded\r\n')],
    ['a compressed body', request('POST /action', '\x1f\x8b\x08', 'content-encoding: gzip\r\n')],
    ['a length that is not so', 'POST /action HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\n{}'],
    [
      'two lengths',
      'POST /action HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}',
    ],
    ['no HTTP', 'hello\r\n\r\n'],
    ['large headers', request('GET /status', '', `x: ${'a'.repeat(100_000)}\r\n`)],
  ])('%s: refused, without a word about the inside', async (_what, bytes) => {
    const reply = await raw(bytes);
    // A request that never ends, or is no HTTP, may be left without an answer.
    if (reply !== '') {
      expect(statusOf(reply)).toBeGreaterThanOrEqual(400);
      expect(statusOf(reply)).toBeLessThan(500);
    }
    expect(reply).not.toMatch(/node_modules|\.[tj]s:\d+|select |at \w+ \(/);
  });

  it('too large: refused before it is read whole', async () => {
    const reply = await raw(
      `POST /action HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000000\r\n\r\n${' '.repeat(1_000)}`,
    );
    expect(statusOf(reply)).toBe(413);
    expect(reply).toContain('{"error":"Request body too large."}');
    expect((await fetch(`${gateway.url}/status`)).status).toBe(200);
  });
});

describe('requests of every shape', () => {
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '',
      '.',
      '..',
      '/',
      '/etc/passwd',
      '-x',
      '--',
      'a\nb',
      '__proto__',
      'constructor',
      'toString',
    ),
  );
  const body = fc.record(
    {
      action: fc.oneof(
        {
          weight: 4,
          arbitrary: fc.constantFrom('file_read', 'list_directory', 'create_directory', 'file_write'),
        },
        {
          weight: 2,
          arbitrary: fc.constantFrom('docker_build', 'shell_exec', 'hasOwnProperty', '__proto__'),
        },
        { weight: 1, arbitrary: anything },
      ),
      params: fc.oneof(
        {
          weight: 4,
          arbitrary: fc.dictionary(
            fc.constantFrom('file', 'directory', 'working_dir', 'path', 'recursive', 'content', '__proto__'),
            anything,
          ),
        },
        { weight: 1, arbitrary: anything },
      ),
      confirmed: fc.oneof(fc.boolean(), anything),
      task_id: fc.oneof(fc.constantFrom('a', 'b'), anything),
      idempotency_key: fc.oneof(fc.string(), anything),
      lease_number: fc.oneof(fc.integer(), fc.double(), anything),
    },
    { requiredKeys: [] },
  );

  /** A window of the rate limit, so that most requests come as far as the executor. */
  const RUNS_PER_GATEWAY = 110;
  const GATEWAYS = isLong ? 91 : 20;

  it(
    'never lead to a 5xx, and to nothing outside of the roots',
    async () => {
      for (let round = 0; round < GATEWAYS; round++) {
        const fresh = await fixture.start({ env: { SKYNET_ALLOWED_ROOTS: fixture.path('fuzz') } });
        try {
          await fc.assert(
            fc.asyncProperty(body, async (sent) => {
              const reply = await post(fresh, '/action', sent);
              expect(reply.status).toBeLessThan(500);
              if (reply.status !== 200) expect(typeof reply.body.error).toBe('string');
              else expect(['success', 'error']).toContain(reply.body.status);
              expect(JSON.stringify(reply.body)).not.toMatch(/root:x:0|node_modules|\bat \w+ \(/);
            }),
            { numRuns: RUNS_PER_GATEWAY },
          );
        } finally {
          await fresh.close();
        }
      }
    },
    limitMs(60_000),
  );
});
