import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type TestControlPlane } from '../support/control-plane.js';
import { Program } from '../support/program.js';
import { delivery, startWebhooks } from '../webhooks/fixture.js';
import { Receiver, signatureOf, status } from '../webhooks/receiver.js';
import { type Ended, ended } from './skyclaw/fixture.js';

let api: TestControlPlane;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await Receiver.start();
  api = await startWebhooks({ SKYNET_API_KEY: 'admin' });
});
afterAll(async () => {
  await api.close();
  await receiver.close();
});

const webhook = (...args: readonly string[]): Promise<Ended> =>
  ended(
    Program.start('skynet', ['webhook', ...args], {
      SKYNET_ORCHESTRATOR_URL: api.url,
      SKYNET_API_KEY: 'admin',
    }),
  );

it('makes a webhook, sees it fail, and mends it', async () => {
  const made = await webhook('create', `${receiver.url}/cli`, '--event', 'failed*', '--description', 'pager');
  expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('Its secret is shown only now') });
  const secret = made.stdout.trim();
  const [, id = ''] = /(wh_\S+) is the webhook/.exec(made.stderr) ?? [];
  expect((await webhook('list')).stdout).toMatch(new RegExp(`^${id} +enabled +0 +failed\\* `, 'm'));

  receiver.answer('/cli', status(410));
  expect((await webhook('test', id)).stdout).toMatch(/^msg_\S+ \(webhook\.test\) is pending\.$/m);
  const auth = { 'x-api-key': 'admin' };
  const asAdmin = { ...api, fetch: (path: string) => api.fetch(path, auth) };
  const failed = await delivery(asAdmin, id, 'has failed', (each) => each.status === 'failed');
  expect((await webhook('show', id)).stdout).toMatch(/^state +disabled: gone$/m);
  const rows = (await webhook('deliveries', id, '--status', 'failed')).stdout;
  expect(rows).toMatch(/^msg_\S+ +webhook\.test +- +failed +1 +410 .*It answered 410: it is gone\.$/m);

  receiver.answer('/cli', status(200));
  expect((await webhook('enable', id, '--from-now')).stdout).toMatch(/^state +enabled$/m);
  const rotated = await webhook('rotate', id, '--overlap', '1h');
  expect(rotated.stderr).toContain('the secret before signs as well until');
  expect((await webhook('redeliver', id, String(failed.id))).stdout).toContain('is pending.');
  const [, again] = await receiver.until('/cli', 2);
  if (again === undefined) throw new Error('no message');
  expect(again.signatures).toEqual([rotated.stdout.trim(), secret].map((each) => signatureOf(again, each)));

  expect((await webhook('disable', id)).stdout).toMatch(/^state +disabled: by-operator$/m);
  expect((await webhook('delete', id)).stdout).toBe(`${id} is deleted.\n`);
  expect(await webhook('show', id)).toMatchObject({ code: 1, stderr: '[skynet] Webhook not found\n' });
});
