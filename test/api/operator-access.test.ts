import { expect, it } from '@jest/globals';
import { startTestControlPlane } from '../support/control-plane.js';

const KEY = { 'x-api-key': 'key' };
const TOKEN = { 'x-skyclaw-token': 'token' };
const NOTHING = {};

/** Who may give orders to hosts and make keys of the public API, by the credentials that the server has. */
it.each([
  ['no credential', {}, { orders: [200, 200, 200], keys: [200, 200, 200] }],
  ['a token', { SKYCLAW_TOKEN: 'token' }, { orders: [401, 401, 200], keys: [401, 401, 200] }],
  ['a key', { SKYNET_API_KEY: 'key' }, { orders: [401, 200, 401], keys: [401, 200, 401] }],
  [
    'both',
    { SKYNET_API_KEY: 'key', SKYCLAW_TOKEN: 'token' },
    { orders: [401, 200, 200], keys: [401, 200, 401] },
  ],
  [
    'both, and hosts with credentials',
    { SKYNET_API_KEY: 'key', SKYCLAW_TOKEN: 'token', SKYCLAW_HOST_AUTH: '1' },
    { orders: [401, 200, 401], keys: [401, 200, 401] },
  ],
  [
    'a token, and hosts with credentials',
    { SKYCLAW_TOKEN: 'token', SKYCLAW_HOST_AUTH: '1' },
    { orders: [401, 401, 200], keys: [401, 401, 200] },
  ],
])('with %s, operators are those who show what counts', async (_what, env, expected) => {
  const api = await startTestControlPlane({ env: env });
  try {
    await api.post('/v1/hosts/register', { hostId: 'h', name: 'h' }, TOKEN);
    const statuses = async (path: string, body: object) => {
      const answers = [];
      for (const shown of [NOTHING, KEY, TOKEN]) answers.push((await api.post(path, body, shown)).status);
      return answers;
    };
    for (const verb of ['cordon', 'drain', 'uncordon', 'revoke', 'readmit']) {
      expect([verb, await statuses(`/v1/hosts/h/${verb}`, {})]).toEqual([verb, expected.orders]);
    }
    expect(await statuses('/v1/public-keys', { label: 'site', capabilities: ['openclaw'] })).toEqual(
      expected.keys,
    );
    expect((await api.fetch('/v1/public-keys', NOTHING)).status).toBe(expected.keys[0]);
  } finally {
    await api.close();
  }
});
