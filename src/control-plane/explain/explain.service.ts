import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { type ControlPlaneConfig } from '../config.js';
import { statusOf } from '../hosts/index.js';
import {
  Foresight,
  GATE,
  HostJobs,
  isForGateways,
  isForHosts,
  LedgerReader,
  type Need,
  needOf,
  type Situation,
  Situations,
} from '../ledger/index.js';
import { HostsRegistry, RegistryService, roomOf } from '../registry/index.js';
import { CONFIG } from '../runtime/index.js';
import { claimersFor } from './domain/claimers.js';
import { type Facts, type HostFacts, type Prospect } from './domain/facts.js';
import { isConclusive } from './domain/reasons.js';

/** A task may move on between two looks; what then explains nothing is looked at again. */
const MOST_LOOKS = 3;
/** Hosts that could take a job and are looked at, those in front that may get work. */
const MOST_HOSTS = 2_000;

/** Joins what the ledger knows of a task with what the registry knows of those who could run it. Changes nothing. */
@Injectable()
export class ExplainService {
  constructor(
    private readonly database: Database,
    private readonly situations: Situations,
    private readonly foresight: Foresight,
    private readonly ledger: LedgerReader,
    private readonly jobs: HostJobs,
    private readonly registry: RegistryService,
    private readonly hosts: HostsRegistry,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  /** Everything that is known of a task's waiting; null when there is no such task. */
  async factsOf(id: string): Promise<Facts | null> {
    for (let look = 1; ; look++) {
      const situation = await this.situations.of(id);
      if (situation === null) return null;
      const facts = await this.joined(situation);
      if (isConclusive(facts) || look >= MOST_LOOKS) return facts;
    }
  }

  private async joined(situation: Situation): Promise<Facts> {
    const { task } = situation;
    const need = needOf({ ...task, openExecutionAt: task.hasOpenExecution ? task.dispatchGatewayId : null });
    const [roster, inFlight] = await Promise.all([
      this.registry.roster(),
      isForGateways(need) ? this.ledger.inFlightByGateway() : new Map<string, number>(),
    ]);
    const gateways = roster.gateways.map((gateway) => ({
      ...gateway,
      inFlight: inFlight.get(gateway.gatewayId) ?? 0,
      maxInFlight: roomOf(gateway.slots, this.config.scheduler.maxInFlightPerGateway),
    }));
    const { workers, hosts } = roster;
    const ableHosts = isForHosts(need) ? await this.hostsFor(need) : [];
    const facts = { situation, need, gateways, workers, hosts, ableHosts, prospects: [] };
    return { ...facts, prospects: await this.prospectsOf(facts) };
  }

  /** Hosts that can do what is needed, as many as are looked at, and what they hold. */
  private async hostsFor({ capabilities }: Need): Promise<HostFacts[]> {
    const hosts = await this.hosts.listAble(capabilities, MOST_HOSTS);
    const leases = await this.jobs.liveLeases(hosts.map(({ id }) => id));
    return hosts.map((host) => {
      const activeLeases = leases.get(host.id) ?? 0;
      const since = host.revokedAt ?? host.drainSince ?? host.cordonedAt;
      return {
        hostId: host.id,
        capabilities: host.capabilities,
        status: statusOf(host, { isEmpty: activeLeases === 0 }),
        isAlive: !host.isOffline,
        closed: since === null ? null : { since, reason: host.reason },
        ...{ maxParallel: host.maxParallel, activeLeases },
      };
    });
  }

  /** What the next claims would take, when one of them could take this task. */
  private async prospectsOf(facts: Facts): Promise<Prospect[]> {
    const { task, pauses, waits } = facts.situation;
    const mayBeTaken =
      task.gate === GATE.runnable ||
      (task.gate === GATE.waitsForTime && !task.isResting) ||
      // A claim may find that a task ahead cannot use the file that it was woken for, and pass it on.
      (task.gate === GATE.waitsForFile && waits !== null) ||
      // Or the place of its key, because it has to wait for a file.
      task.gate === GATE.waitsForKey;
    if (!mayBeTaken || pauses.length > 0) return [];
    return Promise.all(
      claimersFor(facts).map(async ({ name, claimer }) => ({
        claimer: name,
        taskId: (await this.foresight.peek(this.database, claimer))?.id ?? null,
      })),
    );
  }
}
