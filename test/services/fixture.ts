import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { type ActiveService } from '../../src/contracts/skyclaw.js';
import { type HostOrder, HostsRegistry } from '../../src/control-plane/registry/index.js';
import { HostUpkeep, type Stops } from '../../src/control-plane/services/index.js';
import { ServicesUpkeep } from '../../src/control-plane/services/services-upkeep.service.js';
import { type Reply, type TestControlPlane } from '../support/control-plane.js';
import { type Json } from '../support/json.js';

/** A process that a scripted host has. */
export interface Process extends ActiveService {
  readonly service: Json;
}

/** A host that only makes the calls: it runs nothing. */
export class ScriptedHost {
  constructor(
    private readonly api: TestControlPlane,
    readonly id: string,
  ) {}

  async claimReply(body: object = {}, headers: Record<string, string> = {}): Promise<Json> {
    const reply = await this.api.post(`/v1/hosts/${this.id}/services/claim`, body, headers);
    expect(reply).toMatchObject({ status: 200 });
    return reply.body;
  }

  /** What it should start next; null: nothing. */
  async claim(): Promise<Process | null> {
    const { service, slot } = await this.claimReply();
    return service === null ? null : { serviceId: service.id, slot, generation: service.generation, service };
  }

  /** The same where there must be something. */
  async take(): Promise<Process> {
    const process = await this.claim();
    if (process === null) throw new Error(`There is nothing to start for ${this.id}.`);
    return process;
  }

  report(process: ActiveService, status: string, more: object = {}): Promise<Reply> {
    const { serviceId, slot, generation } = process;
    return this.api.post(`/v1/services/${serviceId}/report`, {
      ...{ hostId: this.id, slot, generation, status },
      ...more,
    });
  }

  async runs(process: ActiveService): Promise<Json> {
    const reply = await this.report(process, 'running', {
      endpoint: `http://127.0.0.1:${3_100 + process.slot}`,
    });
    expect(reply).toMatchObject({ status: 200 });
    return reply.body.service;
  }

  async fails(process: ActiveService, error = 'service process exited with code 1'): Promise<Json> {
    const reply = await this.report(process, 'failed', { error });
    expect(reply).toMatchObject({ status: 200 });
    return reply.body.service;
  }

  /** Claims one replica and reports that it runs. */
  async runOne(): Promise<Process> {
    const process = await this.take();
    await this.runs(process);
    return process;
  }

  /** Claims and reports all that it gets until there is nothing more. */
  async runAll(): Promise<Process[]> {
    const started: Process[] = [];
    for (let next = await this.claim(); next !== null; next = await this.claim()) {
      await this.runs(next);
      started.push(next);
    }
    return started;
  }

  /** A sign of life, with what it says that it runs. */
  async beat(active: readonly ActiveService[] | null = null): Promise<Stops> {
    const { database } = this.api;
    const said = { capabilities: null, reportedActiveLeases: null };
    await this.api.get(HostsRegistry).heartbeat(database, this.id, said);
    return this.api.get(HostUpkeep).stopsFor(database, this.id, active);
  }

  async order(order: HostOrder): Promise<void> {
    await this.api.database.transaction((tx) => this.api.get(HostsRegistry).order(tx, this.id, order));
  }

  holds(): Promise<number> {
    return this.api.get(HostUpkeep).countsFor(this.api.database, this.id);
  }
}

/** Hosts that can be named by their numbers; there must be as many. */
export type Hosts = readonly ScriptedHost[] & Readonly<Record<0 | 1 | 2 | 3, ScriptedHost>>;

/** What a host shows that registers for the first time. */
export const NOTHING_SHOWN = { token: '', registrationKey: null };

export async function aHost(
  api: TestControlPlane,
  { id = `host-${randomUUID().slice(0, 8)}`, capabilities = ['service-host'], tellsServices = true } = {},
): Promise<ScriptedHost> {
  const application = { id, name: id, capabilities, maxParallel: 1, defaultTimeoutMs: null, tellsServices };
  await api.database.transaction((tx) => api.get(HostsRegistry).register(tx, application, NOTHING_SHOWN));
  return new ScriptedHost(api, id);
}

/** Hosts of a capability, `id`, that nobody else has. */
interface Group {
  readonly id: string;
  readonly hosts: Hosts;
}

let groups = 0;

export async function aGroup(api: TestControlPlane, size: number): Promise<Group> {
  const id = `group-${++groups}`;
  const hosts: ScriptedHost[] = [];
  for (let index = 0; index < size; index++) {
    hosts.push(await aHost(api, { id: `${id}-${index}`, capabilities: [id, 'more'] }));
  }
  return { id, hosts: hosts as readonly ScriptedHost[] as Hosts };
}

/** A group and a service of the same id that only it can run, of one replica unless said otherwise. */
export async function aFleet(
  api: TestControlPlane,
  size: number,
  more: object = {},
): Promise<Group & { readonly first: ScriptedHost; readonly second: ScriptedHost }> {
  const { id, hosts } = await aGroup(api, size);
  await aService(api, { serviceId: id, name: id, requiredCapabilities: [id], ...more });
  return { id, hosts, first: hosts[0], second: hosts[1] };
}

let made = 0;

/** Deploys a service; its name is its own unless given. */
export async function aService(api: TestControlPlane, more: object = {}): Promise<Json> {
  const reply = await api.post('/v1/services', { name: `service-${++made}`, command: 'node', ...more });
  expect(reply).toMatchObject({ status: 200 });
  return reply.body.service;
}

export async function service(api: TestControlPlane, id: string): Promise<Json> {
  return (await api.fetch(`/v1/services/${id}`)).body.service;
}

export async function rollout(api: TestControlPlane, id: string): Promise<Json> {
  return (await api.fetch(`/v1/services/${id}/rollout`)).body.rollout;
}

/** The assignments of a service as short texts, sorted. */
export function shortly({ assignments }: Json): string[] {
  return assignments.map((row: Json) => `${row.hostId}/${row.slot} g${row.generation} ${row.status}`).sort();
}

/** Lets time pass for a service: all that is written of it is as much older. */
export async function elapse(api: TestControlPlane, id: string, ms: number): Promise<void> {
  const by = `interval '${ms} milliseconds'`;
  await api.query(
    `update service_assignments set claimed_at = claimed_at - ${by}, started_at = started_at - ${by},
       updated_at = updated_at - ${by}, retry_at = retry_at - ${by}, stopping_at = stopping_at - ${by}
     where service_id = $1`,
    [id],
  );
  await api.query(
    `update services set open_at = open_at - ${by}, due_at = due_at - ${by}, updated_at = updated_at - ${by},
       rollout_started_at = rollout_started_at - ${by}, rollout_progress_at = rollout_progress_at - ${by}
     where service_id = $1`,
    [id],
  );
  await upkeep(api);
}

/** One pass of the loop, now. */
export async function upkeep(api: TestControlPlane): Promise<void> {
  await api.get(ServicesUpkeep).pass(new AbortController().signal);
}

/** A host falls silent, longer ago than it may. */
export async function fallSilent(api: TestControlPlane, host: ScriptedHost): Promise<void> {
  await api.query(`update workers set last_heartbeat = now() - interval '1 hour' where worker_id = $1`, [
    host.id,
  ]);
  await upkeep(api);
}
