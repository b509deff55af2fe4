import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { ended, hostRecord, jobRecord, serviceRecord } from './records.js';
import { fc } from '../support/properties.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());

const BODIES = [
  ...[
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '1',
    'true',
    '{"a":1}}',
    '[1,]',
    '\u0000',
    '{"url":"\\u0000"}',
    '{"url":"\\ud800"}',
  ],
  ...['{"url":[]}', '{"url":{}}', '{"url":1}', '{"url":true}', '{"url":"http://"}', '{"url":"http://[::"}'],
  ...[
    '{"url":"http://%00"}',
    '{"url":"http://a b"}',
    '{"url":"http://x:99999"}',
    '{"url":"//x"}',
    '{"url":"\\n"}',
  ],
  JSON.stringify({ url: `http://x/${'é'.repeat(1_990)}` }),
  JSON.stringify({ url: 'x'.repeat(100_000) }),
  `{"hosts":${'['.repeat(9_000)}${']'.repeat(9_000)}}`,
  '{"hosts":null,"jobs":null}',
  '{"hosts":[],"jobs":[null]}',
  '{"hosts":[[]],"jobs":[]}',
  '{"hosts":[],"jobs":[],"services":{}}',
  '{"hosts":[],"jobs":[],"services":[0]}',
  '{"hosts":{"length":3},"jobs":[]}',
  '{"__proto__":{"hosts":[]},"constructor":{"prototype":{}}}',
  JSON.stringify({ hosts: Array(10_001).fill(0), jobs: [] }),
  JSON.stringify({ hosts: [], jobs: Array(100_001).fill(0) }),
];

/** What a field may hold that was written by somebody who means harm, or nothing at all. */
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom<unknown>(
    ...[
      null,
      '',
      ' ',
      '\0',
      '***',
      '0001-01-01T00:00:00Z',
      '9999-12-31T23:59:59.999999Z',
      '-1',
      'x'.repeat(201),
    ],
    ...[
      -1,
      0,
      1.5,
      1e308,
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
      [],
      {},
      [null],
      { '': '' },
      true,
    ],
  ),
);
const broken = (record: Record<string, unknown>) =>
  fc
    .tuple(
      fc.subarray(Object.keys(record), { minLength: 1, maxLength: 3 }),
      fc.array(anything, { minLength: 3 }),
    )
    .map(([fields, values]) => ({
      ...record,
      ...Object.fromEntries(fields.map((field, n) => [field, values[n]])),
    }));
const leased = { status: 'leased', attempts: 1, assignedHostId: 'h', leaseExpiresAt: '2026-01-01T00:00:00Z' };

async function survives(path: string, body: unknown): Promise<number> {
  const { status, text } = await api.post(path, body);
  expect([path, JSON.stringify(body).slice(0, 300), text.slice(0, 300), status < 500]).toEqual([
    ...[path, JSON.stringify(body).slice(0, 300), text.slice(0, 300), true],
  ]);
  expect(text).not.toMatch(/at .*\.js:\d+|node_modules|select .* from/i);
  return status;
}

describe('hostile bodies', () => {
  it.each(['/v1/network/join', '/v1/replicate/snapshot'])('break nothing on %s', async (path) => {
    for (const body of BODIES) await survives(path, body);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(anything, fc.record({ url: anything, hosts: anything, jobs: anything })),
        async (body) => {
          await survives(path, body === undefined ? null : JSON.stringify(body));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('break nothing as records of a snapshot', async () => {
    const statuses: number[] = [];
    const snapshot = fc.record({
      hosts: fc.array(broken(hostRecord('h')), { maxLength: 2 }),
      jobs: fc.array(
        fc.oneof(
          broken(jobRecord('j')),
          broken(jobRecord('l', leased)),
          broken(jobRecord('k', { ...ended('failed'), priority: 1, ttlMs: 5_000, dependencies: ['j'] })),
          broken({ kind: 'shell', command: 'x', args: [], env: {}, timeoutMs: 1 }).map((payload) =>
            jobRecord('p', { payload }),
          ),
        ),
        { maxLength: 2 },
      ),
      services: fc.array(broken(serviceRecord('s')), { maxLength: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(snapshot, async (body) => {
        statuses.push(await survives('/v1/replicate/snapshot', JSON.stringify(body)));
      }),
      { numRuns: 200 },
    );
    // Enough of them are odd and right nevertheless.
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(10);
    expect(statuses.filter((status) => status === 400).length).toBeGreaterThan(50);
    const whole = await api.fetch('/v1/state');
    expect(whole.status).toBe(200);
    for (const path of ['/v1/jobs', '/v1/hosts', '/v1/tasks', '/v1/events']) {
      expect([path, (await api.fetch(path)).status]).toEqual([path, 200]);
    }
  });

  it('and hostile queries break nothing either', async () => {
    const queries = [
      ...['limit=x', 'limit=-1', 'limit=1.5', 'limit=99999999999999999999', 'limit=1&limit=2', 'cursor=%00'],
      ...[
        'cursor=e30',
        'cursor=WzFd',
        'cursor=WyJmaW5pc2hlZCIsMV0',
        'cursor=WyJ4IiwtMV0',
        '%E0%A4%A=1',
        'cursor[]=x',
      ],
    ];
    for (const query of queries) {
      for (const path of ['/v1/state', '/v1/network/peers', '/health']) {
        const { status } = await api.fetch(`${path}?${query}`);
        expect([path, query, status < 500]).toEqual([path, query, true]);
      }
    }
  });
});
