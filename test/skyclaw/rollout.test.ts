import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Rollout, type Service } from '../../src/contracts/skyclaw.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from './fleet.js';

let fleet: Fleet;
let gateway: string;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skyclaw-rollout-'));
  fleet = await Fleet.start({ SKYCLAW_ROLLOUT_MAX_FAILURES: '2' });
  // Hosts of one machine: each looks for free ports from a place of its own.
  fleet.startHost('host1', { SKYCLAW_SERVICE_BASE_PORT: '24100' });
  fleet.startHost('host2', { SKYCLAW_SERVICE_BASE_PORT: '24300' });
  fleet.startHost('host3', { SKYCLAW_SERVICE_BASE_PORT: '24500' });
  gateway = await fleet.startGateway({ SKYCLAW_GATEWAY_REFRESH_MS: '500' });
});
afterAll(async () => {
  await fleet.close();
  await rm(folder, { recursive: true, force: true });
});

/** A service that answers with its version, and at SIGTERM finishes what it has begun. */
function script(version: string): string {
  const file = join(folder, `${version}.mjs`);
  writeFileSync(
    file,
    `import http from 'node:http';
     const server = http.createServer((request, response) => {
       if (request.url === '/slow') setTimeout(() => response.end('${version}'), 300);
       else response.end('${version}');
     });
     setTimeout(() => server.listen(process.env.PORT), 200);
     process.on('SIGTERM', () => server.close(() => process.exit(0)));
     console.log('${version} is up');`,
  );
  return file;
}

async function deploy(args: readonly string[], more: object = {}): Promise<Service> {
  const wish = { serviceId: 'svc_web', name: 'web', command: 'node', args, replicas: 2, ...more };
  const reply = await fleet.api.post('/v1/services', wish, fleet.token);
  expect(reply).toMatchObject({ status: 200 });
  return reply.body.service as Service;
}

const rollout = async (): Promise<Rollout> =>
  (await fleet.api.fetch('/v1/services/svc_web/rollout', fleet.token)).body.rollout as Rollout;
const rolledOut = (state: Rollout['state'], generation: number) =>
  eventually(
    `generation ${generation} is ${state}`,
    async () => {
      const now = await rollout();
      return now.state === state && now.generation === generation ? now : undefined;
    },
    60_000,
  );
const hostsOf = async (): Promise<string[]> => {
  const { body } = await fleet.api.fetch('/v1/services/svc_web', fleet.token);
  return (body.service as Service).assignments
    .filter(({ status }) => status === 'running')
    .map(({ hostId }) => hostId)
    .sort();
};

/** Asks for the service so often a second until it is told to stop; what was answered, and what failed. */
function load(perSecond: number): { readonly end: () => Promise<Map<string, number>> } {
  const answers = new Map<string, number>();
  const note = (answer: string) => answers.set(answer, (answers.get(answer) ?? 0) + 1);
  const pending = new Set<Promise<void>>();
  const began = performance.now();
  let asked = 0;
  const ask = () => {
    asked++;
    const path = Math.random() < 0.1 ? 'slow' : 'fast';
    const call = fetch(`${gateway}/v1/gateway/web/${path}`).then(
      async (response) => note(response.ok ? await response.text() : `status ${response.status}`),
      (error: unknown) => note(String(error)),
    );
    const tracked: Promise<void> = call.then(() => void pending.delete(tracked));
    pending.add(tracked);
  };
  // As many as are due by the clock, however late the timer is.
  const timer = setInterval(() => {
    while (asked < ((performance.now() - began) / 1_000) * perSecond) ask();
  }, 5);
  return {
    end: async () => {
      clearInterval(timer);
      await Promise.all(pending);
      return answers;
    },
  };
}

const reachable = (version: string) =>
  eventually(`${version} answers`, async () => {
    const response = await fetch(`${gateway}/v1/gateway/web/`);
    return (await response.text()) === version ? true : undefined;
  });

describe('a service on three hosts behind the gateway', () => {
  it('is replaced under 200 requests a second without one that fails', async () => {
    await deploy([script('v1')]);
    await rolledOut('complete', 1);
    await reachable('v1');
    const traffic = load(200);
    for (const version of [2, 3, 4, 5]) {
      await deploy([script(`v${version}`)]);
      await rolledOut('complete', version);
      await reachable(`v${version}`);
    }
    const answers = await traffic.end();
    expect([...answers.keys()].sort()).toEqual(['v1', 'v2', 'v3', 'v4', 'v5']);
    expect([...answers.values()].reduce((a, b) => a + b)).toBeGreaterThan(300);
  }, 90_000);

  it('goes back by itself when the new generation does not come up, and nobody notices', async () => {
    const traffic = load(50);
    await deploy(['-e', 'process.exit(3)']);
    const { message } = await rolledOut('rolled-back', 5);
    expect(message).toContain('service process exited with code 3');
    const answers = await traffic.end();
    expect([...answers.keys()]).toEqual(['v5']);
  }, 90_000);

  it('moves from a host that drains before anything ends there', async () => {
    const [leaving = ''] = await hostsOf();
    const traffic = load(50);
    await fleet.api.post(`/v1/hosts/${leaving}/drain`, { reason: 'patching' }, fleet.token);
    await eventually(
      `${leaving} is drained`,
      async () => {
        const { body } = await fleet.api.fetch(`/v1/hosts/${leaving}`, fleet.token);
        return body.host.status === 'drained' ? true : undefined;
      },
      60_000,
    );
    expect(await hostsOf()).not.toContain(leaving);
    expect(await hostsOf()).toHaveLength(2);
    expect([...(await traffic.end()).keys()]).toEqual(['v5']);
    await fleet.api.post(`/v1/hosts/${leaving}/uncordon`, {}, fleet.token);
  }, 90_000);

  it('is started elsewhere when a host dies, and is heard all the while', async () => {
    const [dying = '', other = ''] = await hostsOf();
    // Its processes die with the machine, which a killed daemon alone does not show.
    await fleet.kill(dying, 'SIGTERM');
    await eventually(
      'two others run it',
      async () => {
        const hosts = await hostsOf();
        return hosts.length === 2 && !hosts.includes(dying) && hosts.includes(other) ? true : undefined;
      },
      60_000,
    );
    await reachable('v5');
  }, 90_000);

  it('has printed what its log shows, and is gone when it is deleted', async () => {
    const { body } = await fleet.api.fetch('/v1/services/svc_web/logs', fleet.token);
    const texts = (body.entries as { text: string }[]).map(({ text }) => text).join('');
    expect(texts).toContain('v1 is up');
    expect(texts).toContain('v5 is up');
    await fleet.api.call('DELETE', '/v1/services/svc_web', {}, fleet.token);
    await eventually('nothing of it is left', async () => {
      const rows = await fleet.first.query(`select 1 from service_assignments`);
      return rows.length === 0 ? true : undefined;
    });
    const gone = await fetch(`${gateway}/v1/gateway/web/`);
    expect(gone.status).toBe(503);
  }, 90_000);
});
