import { describe, expect, it } from '@jest/globals';
import { type Circumstances } from './circumstances.js';
import { deploy, newDeployment, restart, scale, stop, type Wish } from './deploy.js';
import { type Assignment, type Deployment, isSamePlace, liveOf } from './deployment.js';
import { type HostFacts } from './host-facts.js';
import { offerTo, opensAt } from './offer.js';
import { present } from './presence.js';
import { reported, subjectOf } from './report.js';
import { rolloutFigures } from './rollout.js';
import { settle } from './settle.js';
import { type ServiceSpec } from './spec.js';
import { fc, runs } from '../../../../test/support/properties.js';

const HOSTS = ['a', 'b', 'c', 'd'];
const limits = { timeoutMs: 120_000, maxFailures: 3 };

type Event =
  | { readonly kind: 'claim' | 'confirm'; readonly host: number }
  | {
      readonly kind: 'report';
      readonly host: number;
      readonly pick: number;
      readonly status: Assignment['status'];
    }
  | {
      readonly kind: 'host';
      readonly host: number;
      readonly is: 'well' | 'lost' | 'draining' | 'over' | 'cordoned';
    }
  | { readonly kind: 'deploy' | 'restart' | 'stop'; readonly command: number }
  | { readonly kind: 'scale'; readonly replicas: number }
  | { readonly kind: 'wait'; readonly ms: number };

const host = fc.nat(HOSTS.length - 1);
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('claim' as const), host }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('confirm' as const), host }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('report' as const),
      ...{ host, pick: fc.nat(5), status: fc.constantFrom('running', 'running', 'failed', 'pending') },
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('host' as const),
      ...{ host, is: fc.constantFrom('well', 'well', 'lost', 'draining', 'over', 'cordoned') },
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('deploy', 'deploy', 'restart', 'stop'),
      command: fc.nat(3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('scale' as const), replicas: fc.nat(4) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(500, 5_000, 70_000, 130_000),
    }),
  },
);

const wish = (command: number, maxPerHost: number, replicas: number): Wish => {
  const spec: ServiceSpec = {
    ...{ command: `v${command}`, args: [], cwd: null, env: null, requiredCapabilities: ['x'] },
    ...{ maxPerHost, healthPath: null, image: null, network: null },
  };
  return { id: 's', name: 's', replicas, spec };
};

/** A service and its hosts, without a database. */
class World {
  now = 1_000_000;
  deployment: Deployment;
  private readonly states = new Map(HOSTS.map((id) => [id, 'well']));

  constructor(
    private readonly maxPerHost: number,
    replicas: number,
  ) {
    this.deployment = newDeployment(wish(0, maxPerHost, replicas), this.now, 'test');
    this.change((deployment) => deployment);
  }

  facts(id: string): HostFacts {
    const is = this.states.get(id);
    const isDraining = is === 'draining' || is === 'over';
    return {
      ...{ id, capabilities: ['x'], isLost: is === 'lost', isDraining, isDrainOver: is === 'over' },
      mayGetWork: is === 'well',
    };
  }

  get circumstances(): Circumstances {
    return { hosts: new Map(HOSTS.map((id) => [id, this.facts(id)])), now: this.now, limits };
  }

  /** As the store does it: settled before and after. */
  change(step: (deployment: Deployment) => Deployment): void {
    const { circumstances } = this;
    this.deployment = settle(step(settle(this.deployment, circumstances)), circumstances);
  }

  setHost(id: string, is: string): void {
    this.states.set(id, is);
  }

  claim(id: string): boolean {
    let hadOffer = false;
    this.change((deployment) => {
      const to = {
        host: this.facts(id),
        hosts: this.circumstances.hosts,
        now: this.now,
        hasRival: false,
        tellsServices: true,
      };
      const offer = offerTo(deployment, to);
      hadOffer = offer !== null;
      return offer?.deployment ?? deployment;
    });
    return hadOffer;
  }

  report(row: Assignment, status: Assignment['status']): void {
    const { hostId, slot, generation } = row;
    const report = { hostId, slot, generation, status, endpoint: 'http://h:1', error: 'e' };
    this.change((deployment) => {
      const subject = subjectOf(deployment, report);
      return typeof subject === 'string' ? deployment : reported(deployment, subject.row, report, this.now);
    });
  }

  apply(happened: Event): void {
    switch (happened.kind) {
      case 'claim':
        this.claim(HOSTS[happened.host] ?? '');
        return;
      case 'confirm': {
        const id = HOSTS[happened.host] ?? '';
        const active = liveOf(this.deployment).filter(({ hostId }) => hostId === id);
        this.change((deployment) => present(deployment, id, active, this.now));
        return;
      }
      case 'report': {
        const rows = this.deployment.assignments.filter(({ hostId }) => hostId === HOSTS[happened.host]);
        const row = rows[happened.pick % Math.max(1, rows.length)];
        if (row !== undefined && !this.facts(row.hostId).isLost) this.report(row, happened.status);
        return;
      }
      case 'host':
        this.setHost(HOSTS[happened.host] ?? '', happened.is);
        this.change((deployment) => deployment);
        return;
      case 'deploy': {
        const { replicas } = this.deployment.service;
        // Some generations may have one more on a host than others.
        const next = wish(happened.command, this.maxPerHost + (happened.command % 2), replicas);
        this.change((deployment) => deploy(deployment, next, this.now));
        return;
      }
      case 'restart':
        if (this.deployment.service.stoppedAt === null)
          this.change((deployment) => restart(deployment, this.now));
        return;
      case 'stop':
        this.change((deployment) => stop(deployment, this.now));
        return;
      case 'scale':
        this.change((deployment) => scale(deployment, happened.replicas));
        return;
      case 'wait':
        this.now += happened.ms;
        this.change((deployment) => deployment);
    }
  }
}

const running = (deployment: Deployment) =>
  liveOf(deployment).filter(({ status }) => status === 'running').length;

describe('a service, whatever happens', () => {
  it('never has more than one process too many, nor two in one place, nor more on a host than it may', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 }),
        fc.nat(4),
        fc.array(event, { maxLength: 60 }),
        (max, replicas, events) => {
          const world = new World(max, replicas);
          for (const happened of events) {
            world.apply(happened);
            const { deployment } = world;
            const live = liveOf(deployment);
            expect(live.length).toBeLessThanOrEqual(deployment.service.replicas + 1);
            const own = live.filter(({ generation }) => generation === deployment.service.generation);
            // What runs on a draining host has a successor of the same generation beside it.
            const staying = own.filter(({ hostId }) => !world.facts(hostId).isDraining);
            expect(staying.length).toBeLessThanOrEqual(deployment.service.replicas);
            for (const [index, row] of deployment.assignments.entries()) {
              expect(deployment.assignments.findIndex((other) => isSamePlace(other, row))).toBe(index);
            }
            for (const id of HOSTS) {
              const here = own.filter(({ hostId }) => hostId === id);
              expect(here.length).toBeLessThanOrEqual(deployment.service.spec.maxPerHost);
            }
          }
        },
      ),
      { numRuns: runs(500) },
    );
  });

  it('is settled by one look: another finds nothing to change', () => {
    fc.assert(
      fc.property(fc.nat(4), fc.array(event, { maxLength: 50 }), (replicas, events) => {
        const world = new World(1, replicas);
        for (const happened of events) {
          world.apply(happened);
          expect(settle(world.deployment, world.circumstances)).toEqual(world.deployment);
        }
      }),
      { numRuns: runs(500) },
    );
  });

  it('loses no replica that serves by a claim, a deployment, a restart or a passing of time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(event, { maxLength: 60 }), (replicas, events) => {
        const world = new World(1, replicas);
        for (const happened of events) {
          const before = Math.min(running(world.deployment), world.deployment.service.replicas);
          world.apply(happened);
          if (['claim', 'deploy', 'restart', 'wait'].includes(happened.kind)) {
            expect(running(world.deployment)).toBeGreaterThanOrEqual(before);
          }
        }
      }),
      { numRuns: runs(500) },
    );
  });

  it('says that it is open whenever there is something for a host to claim', () => {
    fc.assert(
      fc.property(fc.nat(4), fc.array(event, { maxLength: 50 }), (replicas, events) => {
        const world = new World(1, replicas);
        for (const happened of events) {
          world.apply(happened);
          const { hosts, now } = world.circumstances;
          const opens = opensAt(world.deployment, hosts, now);
          const isOffered = HOSTS.some(
            (id) =>
              offerTo(world.deployment, {
                host: world.facts(id),
                hosts,
                now,
                hasRival: false,
                tellsServices: true,
              }) !== null,
          );
          if (isOffered) expect(opens).toBeLessThanOrEqual(now);
        }
      }),
      { numRuns: runs(500) },
    );
  });

  it('runs all its replicas once hosts are well and what they start comes up', () => {
    fc.assert(
      fc.property(fc.nat(4), fc.array(event, { maxLength: 60 }), (replicas, events) => {
        const world = new World(1, replicas);
        for (const happened of events) world.apply(happened);
        for (const id of HOSTS) world.setHost(id, 'well');
        if (world.deployment.service.stoppedAt !== null) {
          world.change((deployment) => deploy(deployment, wish(9, 1, replicas), world.now));
        }
        for (let round = 0; round < 30; round++) {
          world.now += 10_000;
          for (const id of HOSTS) while (world.claim(id));
          for (const row of liveOf(world.deployment)) {
            if (row.status === 'pending') world.report(row, 'running');
          }
        }
        const { service } = world.deployment;
        const live = liveOf(world.deployment);
        expect(live.map(({ status, generation }) => `${status} ${generation}`)).toEqual(
          Array<string>(service.replicas).fill(`running ${service.generation}`),
        );
        expect(['complete', 'rolled-back']).toContain(rolloutFigures(world.deployment).state);
      }),
      { numRuns: runs(500) },
    );
  });
});
