import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';

type Records = readonly Record<string, unknown>[];

/** Two replicas that take snapshots of another coordinator. */
export interface Receivers {
  readonly api: TestControlPlane;
  readonly other: TestControlPlane;
  send(
    jobs: Records,
    hosts?: Records,
    more?: object,
    to?: TestControlPlane,
  ): ReturnType<TestControlPlane['post']>;
  /** Sends a snapshot that is right; whether it changed anything. */
  taken(jobs: Records, hosts?: Records): Promise<boolean>;
  jobOf(id: string): Promise<Json>;
  expectEvents(id: string, wanted: readonly string[]): Promise<true>;
}

/** Starts them before the tests of a file, empties them after each test, and ends them. */
export function receivers(): Receivers {
  let api: TestControlPlane;
  let other: TestControlPlane;
  beforeAll(async () => {
    const env = { SKYCLAW_COORDINATOR_NODE_ID: 'new-node' };
    api = await startTestControlPlane({ env });
    other = await startTestControlPlane({ env, databaseUrl: api.databaseUrl });
  });
  afterEach(() =>
    api.query('truncate tasks, task_dependencies, workers, hosts, host_slots, imported_records'),
  );
  afterAll(async () => {
    await other.close();
    await api.close();
  });
  const send: Receivers['send'] = (jobs, hosts = [], more = {}, to = api) =>
    to.post('/v1/replicate/snapshot', { nodeId: 'old-node', hosts, jobs, ...more });
  return {
    get api() {
      return api;
    },
    get other() {
      return other;
    },
    send,
    taken: async (jobs, hosts = []) => {
      const { status, body } = await send(jobs, hosts);
      expect({ status, body }).toMatchObject({ status: 200, body: { ok: true, nodeId: 'new-node' } });
      return body.changed;
    },
    jobOf: async (id) => (await api.fetch(`/v1/jobs/${id}`)).body.job,
    // Events show once all that began before them has ended, in other tests on this server as well.
    expectEvents: (id, wanted) =>
      eventually(`the events of ${id} are ${wanted.join(', ')}`, async () => {
        const { body } = await api.fetch(`/v1/events?task_id=${id}`);
        const told = body.events.map((event: Json) => `${event.event_type}: ${event.message}`);
        return isDeepStrictEqual(told, wanted) ? true : undefined;
      }),
  };
}
