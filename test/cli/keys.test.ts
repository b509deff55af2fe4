import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { Program } from '../support/program.js';
import { type Ended, ended } from './skyclaw/fixture.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane({ env: { SKYNET_API_KEY: 'root' } })));
afterAll(() => api.close());

const key = (...args: string[]): Promise<Ended> =>
  ended(
    Program.start('skynet', ['key', ...args], { SKYNET_ORCHESTRATOR_URL: api.url, SKYNET_API_KEY: 'root' }),
  );

describe('skynet key', () => {
  it('creates, lists, rotates and revokes keys', async () => {
    const made = await key('create', 'ci', '--scope', 'tasks:read', '--project', 'web', '--expires', '30d');
    expect(made.stderr).toMatch(/^\[skynet\] key_\S+ is the key of ci\. Its secret is shown only now:\n$/);
    const secret = made.stdout.trim();
    expect((await api.fetch('/v1/tasks', { 'x-api-key': secret })).status).toBe(200);
    const [id = ''] = /key_\S+/.exec(made.stderr) ?? [];
    const listed = await key('list', '--project', 'web');
    expect(listed.stdout).toMatch(/^ID +LABEL +STATE +SCOPES +PROJECT +LAST USED +AGE\n/);
    expect(listed.stdout).toMatch(/ci +until 20\d\d-\d\d-\d\d +tasks:read +web /);
    const next = await key('rotate', id, '--overlap', '2h', '--json');
    expect(JSON.parse(next.stdout)).toMatchObject({
      key: { rotated_from: id, project_id: 'web' },
      secret: expect.stringMatching(/^sky_/),
    });
    expect((await key('revoke', id)).stdout).toBe(`${id} (ci) is revoked.\n`);
    expect(JSON.parse((await key('list', '--json')).stdout).keys).toHaveLength(2);
  });

  it('says what is wrong', async () => {
    expect((await key('create', 'ci')).stderr).toContain("required option '--scope <scope>' not specified");
    const unknown = await key('create', 'ci', '--scope', 'everything');
    expect([unknown.code, unknown.stderr]).toEqual([
      1,
      expect.stringContaining("Unknown scope 'everything'"),
    ]);
    expect((await key('revoke', 'nobody')).stderr).toContain("API key 'nobody' not found");
  });
});
