import { Inject, Injectable } from '@nestjs/common';
import { type LogEntry } from '../../contracts/skyclaw.js';
import { Database, type Db } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import { JobsService } from '../jobs/index.js';
import { HostsRegistry, RegistryService, unknownHost } from '../registry/index.js';
import { CONFIG, TOPICS } from '../runtime/index.js';
import { type Subject } from './domain/subject.js';
import { type Appended, appendEntries, beginOutput, type Printer } from './logs.queries.js';
import { ServicesReader } from '../services/index.js';

/** How often an append is tried anew because somebody else added to the output meanwhile. */
const MOST_RACES = 50;

/** What a host has printed, or one of the processes that it runs. */
export interface Shipment {
  readonly hostId: string;
  readonly attempt: number;
  readonly entries: readonly LogEntry[];
}

/** Takes in the output of jobs and services. Safe to repeat: what is there already is skipped. */
@Injectable()
export class LogsService {
  constructor(
    private readonly database: Database,
    private readonly jobs: JobsService,
    private readonly services: ServicesReader,
    private readonly hosts: HostsRegistry,
    private readonly registry: RegistryService,
    private readonly wakeups: Wakeups,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  /** Adds to the output of a job. Throws unless the host holds the attempt. */
  async appendToJob(
    jobId: string,
    { hostId, attempt, entries, leaseToken }: Shipment & { readonly leaseToken: string | null },
  ): Promise<Appended> {
    this.registry.seen(hostId);
    await this.jobs.requireAttempt(this.database, { jobId, hostId, leaseToken, attempt });
    return this.append({ kind: 'job', id: jobId }, { hostId, generation: 0, slot: 0, attempt }, entries);
  }

  /** Adds to the output of a service, where what is older gives way. Throws unless the host runs a replica of it. */
  async appendToService(
    serviceId: string,
    { entries, ...printer }: Shipment & Pick<Printer, 'generation' | 'slot'>,
  ): Promise<Appended> {
    const { hostId } = printer;
    this.registry.seen(hostId);
    const hosts = await this.services.hostsOf(this.database, serviceId);
    if (hosts?.includes(hostId) !== true) await this.refuse(this.database, serviceId, hostId, hosts);
    return this.append({ kind: 'service', id: serviceId }, printer, entries);
  }

  private async append(subject: Subject, printer: Printer, entries: readonly LogEntry[]): Promise<Appended> {
    const { maxLogBytes } = this.config.skyclaw;
    for (let race = 0; race < MOST_RACES; race++) {
      const appended = await appendEntries(this.database, subject, printer, entries, maxLogBytes);
      if (appended === null) {
        // The first append of an output finds no row; any other time this changes nothing.
        await beginOutput(this.database, subject);
        continue;
      }
      if (appended.added > 0) this.wakeups.publish(TOPICS.output);
      return appended;
    }
    throw new Error(`${subject.kind} ${subject.id} is written to by too many at once`);
  }

  private async refuse(
    db: Db,
    serviceId: string,
    hostId: string,
    hosts: readonly string[] | null,
  ): Promise<never> {
    if ((await this.hosts.find(hostId, db)) === null) throw unknownHost(hostId);
    if (hosts === null) throw new Problem('service-not-found', `unknown service: ${serviceId}`);
    throw new Problem('service-not-assigned', `service ${serviceId} is not assigned to host ${hostId}`);
  }
}
