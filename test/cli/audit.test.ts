import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { Program } from '../support/program.js';
import { type Ended, ended } from './skyclaw/fixture.js';

let api: TestControlPlane;
beforeAll(async () => {
  api = await startTestControlPlane({ env: { SKYNET_API_KEY: 'admin' } });
  for (const name of ['one', 'two'])
    await api.post(`/v1/projects/${name}/pause`, { reason: 'why' }, { 'x-api-key': 'admin' });
});
afterAll(() => api.close());

const audit = (...args: readonly string[]): Promise<Ended> =>
  ended(
    Program.start('skynet', ['audit', ...args], {
      SKYNET_ORCHESTRATOR_URL: api.url,
      SKYNET_API_KEY: 'admin',
    }),
  );

it('lists who did what, and exports all of it', async () => {
  const { stdout } = await audit('list', '--action', 'project.*', '--since', '1h');
  const row = (name: string) =>
    `\\S+Z +SKYNET_API_KEY#[0-9a-f]{8} +127\\.0\\.0\\.1 +project\\.pause +${name} +\\{"reason":"why"\\}`;
  expect(stdout).toMatch(
    new RegExp(`^AT +ACTOR +FROM +ACTION +SUBJECT +DETAIL\n${row('two')}\n${row('one')}\n$`),
  );
  expect((await audit('list', '--until', '2026-01-01')).stdout).toMatch(/^AT[^\n]*\n$/);
  const exported = await audit('export', '--since', '2026-01-01T00:00:00Z', '--subject', 'one');
  expect(exported).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(exported.stdout)).toMatchObject({ action: 'project.pause', subject: 'one' });
  expect((await audit('list', '--since', 'soon')).stderr).toContain('It must be a duration such as 7d');
});
