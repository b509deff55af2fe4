import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Program } from '../support/program.js';
import { type Ended, ended } from './skyclaw/fixture.js';
import { json, ScriptableCoordinator } from './skyclaw/scriptable-coordinator.js';

let api: ScriptableCoordinator;
beforeAll(async () => (api = await ScriptableCoordinator.start()));
beforeEach(() => api.reset());
afterAll(() => api.close());

const key = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  ended(Program.start('skynet', ['public-key', ...args], { SKYNET_ORCHESTRATOR_URL: api.url, ...env }));

const aKey = { id: 'key_1', label: 'website', capabilities: ['openclaw'], shell: false };

describe('skynet public-key create', () => {
  it('prints the secret alone on stdout, and says that it is shown only now', async () => {
    api.on('POST /v1/public-keys', json({ key: aKey, secret: 's3cret' }));
    expect(await key(['create', 'website'], { SKYNET_API_KEY: 'admin' })).toEqual({
      code: 0,
      stdout: 's3cret\n',
      stderr: '[skynet] key_1 is the key of website. Its secret is shown only now:\n',
    });
    expect(api.seen[0]?.body).toEqual({ label: 'website', capabilities: [], shell: false });
    expect(api.seen[0]?.headers).toMatchObject({ 'x-api-key': 'admin' });
    expect(api.seen[0]?.headers['x-idempotency-key']).toBeDefined();
  });

  it('shows the token of the hosts as well, which counts where there is no key', async () => {
    api.on('POST /v1/public-keys', json({ key: aKey, secret: 's3cret' }));
    expect((await key(['create', 'website'], { SKYCLAW_TOKEN: 'join' })).code).toBe(0);
    expect(api.seen[0]?.headers).toMatchObject({ 'x-skyclaw-token': 'join' });
  });

  it('sends what the key may do and until when', async () => {
    api.on('POST /v1/public-keys', json({ key: aKey, secret: 's3cret' }));
    const flags =
      '--capability openclaw --capability gpu --shell --expires 2027-01-31T01:00:00+01:00 --rate-per-minute 60 --monthly-jobs 1000 --price 0.25 --json';
    const { stdout } = await key(['create', 'website', ...flags.split(' '), '--url', api.url], {
      SKYNET_ORCHESTRATOR_URL: 'http://ignored.invalid',
    });
    expect(JSON.parse(stdout)).toEqual({ key: aKey, secret: 's3cret' });
    expect(api.seen[0]?.body).toEqual({
      label: 'website',
      capabilities: ['openclaw', 'gpu'],
      shell: true,
      expiresAt: '2027-01-31T00:00:00.000Z',
      ratePerMinute: 60,
      monthlyJobs: 1_000,
      price: 0.25,
    });
  });

  it('counts a duration from now, and refuses a time that is none', async () => {
    api.on('POST /v1/public-keys', json({ key: aKey, secret: 's3cret' }));
    await key(['create', 'website', '--expires', '30d']);
    const inMs = Date.parse(String(api.seen[0]?.body.expiresAt)) - Date.now();
    expect(Math.abs(inMs - 30 * 86_400_000)).toBeLessThan(60_000);
    const { code, stderr } = await key(['create', 'website', '--expires', 'soon']);
    expect(code).toBe(1);
    expect(stderr).toContain('a duration such as 30d, or a time such as');
  });
});

describe('skynet public-key list', () => {
  it('prints columns without secrets', async () => {
    const createdAt = new Date(Date.now() - 3 * 86_400_000).toISOString();
    api.on(
      'GET /v1/public-keys',
      json({
        keys: [
          { ...aKey, createdAt, expiresAt: '2126-01-31T00:00:00.000Z', ratePerMinute: 60, monthlyJobs: null },
          { ...aKey, id: 'key_22', createdAt, shell: true, revokedAt: createdAt },
          { ...aKey, id: 'key_3', createdAt, expiresAt: createdAt },
        ],
      }),
    );
    expect((await key(['list'])).stdout).toBe(
      `ID      LABEL    STATE             CAPABILITIES  SHELL  PER MINUTE  PER MONTH  AGE
key_1   website  until 2126-01-31  openclaw      no     60          -          3d
key_22  website  revoked           openclaw      yes    -           -          3d
key_3   website  expired           openclaw      no     -           -          3d
`,
    );
  });
});

describe('skynet public-key revoke', () => {
  it('says what was revoked', async () => {
    api.on('POST /v1/public-keys/key_1/revoke', json({ key: aKey }));
    expect(await key(['revoke', 'key_1'])).toEqual({
      code: 0,
      stdout: 'key_1 (website) is revoked.\n',
      stderr: '',
    });
  });

  it.each([
    [{ error: 'x', detail: 'Public key not found' }, 404, /^\[skynet\] x\n$/],
    [{ detail: 'Public key not found' }, 404, /^\[skynet\] Public key not found\n$/],
    [{ detail: 'Unauthorized' }, 401, /answers 401 Unauthorized: SKYNET_API_KEY is missing; set it to/],
  ])('tells what the API has against it: %j', async (body, status, text) => {
    api.on('POST /v1/public-keys/key_1/revoke', json(body, status));
    const { code, stdout, stderr } = await key(['revoke', 'key_1']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(text);
  });
});
