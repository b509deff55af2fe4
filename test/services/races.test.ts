import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { aHost, aService, type Hosts, rollout, ScriptedHost, service, shortly } from './fixture.js';

let one: TestControlPlane;
let two: TestControlPlane;
beforeAll(async () => {
  one = await startTestControlPlane();
  two = await startTestControlPlane({ databaseUrl: one.databaseUrl });
});
afterAll(async () => {
  await two.close();
  await one.close();
});

/** Hosts of one capability that turn to one control plane and to the other. */
async function fleetOf(capability: string, size: number): Promise<Hosts> {
  const hosts: ScriptedHost[] = [];
  for (let index = 0; index < size; index++) {
    const id = `${capability}-${index}`;
    const host = await aHost(one, { id, capabilities: [capability] });
    hosts.push(index % 2 === 0 ? host : new ScriptedHost(two, id));
  }
  return hosts as readonly ScriptedHost[] as Hosts;
}

const live = (found: Json) => found.assignments as Json[];

describe('two control planes and many hosts', () => {
  it('assign no more replicas than wanted, none twice, and none to a host that has one', async () => {
    const hosts = await fleetOf('race', 16);
    const services: Json[] = [];
    for (let index = 0; index < 4; index++) {
      services.push(await aService(one, { requiredCapabilities: ['race'], replicas: 5 }));
    }
    // Every host asks twice at once, and again and again.
    const claimed = (
      await Promise.all(
        [...hosts, ...hosts].map(async (host) => {
          const mine: string[] = [];
          for (let next = await host.claim(); next !== null; next = await host.claim()) {
            mine.push(`${next.serviceId} ${host.id}/${next.slot} g${next.generation}`);
          }
          return mine;
        }),
      )
    ).flat();
    expect(claimed).toHaveLength(20);
    expect(new Set(claimed).size).toBe(20);
    for (const { id } of services) {
      const rows = live(await service(two, id));
      expect(rows).toHaveLength(5);
      expect(new Set(rows.map(({ hostId }) => hostId)).size).toBe(5);
    }
  });

  it('roll a generation out with one surplus process at most, under claims, reports and failures at once', async () => {
    const hosts = await fleetOf('roll', 8);
    const wish = { serviceId: 'roll', name: 'roll', requiredCapabilities: ['roll'], replicas: 4 };
    await aService(one, { ...wish, command: 'v1' });
    await Promise.all(hosts.map((host) => host.runAll()));
    expect(await rollout(one, 'roll')).toMatchObject({ state: 'complete', ready: 4 });
    await aService(two, { ...wish, command: 'v2' });
    const seen = { most: 0, fewestRunning: Infinity, looks: 0 };
    let isDone = false;
    const watch = async () => {
      while (!isDone) {
        const rows = live(await service(one, 'roll'));
        seen.most = Math.max(seen.most, rows.length);
        const running = rows.filter(({ status }) => status === 'running').length;
        seen.fewestRunning = Math.min(seen.fewestRunning, running);
        seen.looks++;
      }
    };
    const work = async () => {
      await eventually('the rollout is complete', async () => {
        await Promise.all(hosts.map((host) => host.runAll()));
        return (await rollout(two, 'roll')).state === 'complete' ? true : undefined;
      });
      isDone = true;
    };
    await Promise.all([watch(), work()]);
    expect(seen).toMatchObject({ most: 5, fewestRunning: 4 });
    expect(seen.looks).toBeGreaterThan(3);
    expect(shortly(await service(one, 'roll')).every((line) => line.endsWith('g2 running'))).toBe(true);
  });

  it('give a free slot of a lost host to one other, though both find it free', async () => {
    const hosts = await fleetOf('lost', 6);
    await aService(one, { serviceId: 'lost', requiredCapabilities: ['lost'] });
    await hosts[0].runAll();
    await one.query(
      `update workers set last_heartbeat = now() - interval '1 hour' where worker_id = 'lost-0'`,
    );
    const claims = await Promise.all(hosts.slice(1).flatMap((host) => [host.claim(), host.claim()]));
    const later = await eventually('somebody has it', async () => {
      const found = [...claims, ...(await Promise.all(hosts.slice(1).map((host) => host.claim())))];
      const taken = found.filter((claim) => claim !== null);
      return taken.length > 0 ? taken : undefined;
    });
    expect(later).toHaveLength(1);
    expect(live(await service(one, 'lost'))).toHaveLength(1);
  });

  it('end a service once and for all, though hosts claim and report meanwhile', async () => {
    const hosts = await fleetOf('end', 6);
    await aService(one, { serviceId: 'end', requiredCapabilities: ['end'], replicas: 6 });
    const [stopped] = await Promise.all([
      two.post('/v1/services/end/stop'),
      ...hosts.map(async (host) => {
        const next = await host.claim();
        if (next !== null) await host.report(next, 'running');
      }),
    ]);
    expect(stopped.status).toBe(200);
    expect(await service(one, 'end')).toMatchObject({ status: 'stopped', assignments: [] });
    for (const host of hosts) expect(await host.claim()).toBeNull();
  });

  it('wake a host that waits at one when a service is deployed at the other', async () => {
    const host = await aHost(one, { capabilities: ['woken'] });
    const waiting = host.claimReply({ wait_ms: 20_000 });
    const deployed = await aService(two, { requiredCapabilities: ['woken'] });
    expect(await waiting).toMatchObject({ service: { id: deployed.id } });
  });
});
