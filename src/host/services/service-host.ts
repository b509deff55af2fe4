import { constants } from 'node:os';
import { type ActiveService, type ClaimServiceRequest, type Service } from '../../contracts/skyclaw.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type Every, Loop } from '../../platform/loops/loop.js';
import { type ClaimedService, serviceOfClaim, type StopReplica } from '../coordinator/answers.js';
import { newKey } from '../coordinator/coordinator-client.js';
import { CoordinatorRefusal } from '../coordinator/coordinator-errors.js';
import { needsRegistration, type Registration } from '../coordinator/registration.js';
import { type CommandRules, refusalOfCommand } from '../domain/command-rules.js';
import { assignmentOf, stepFor } from '../domain/service-claim.js';
import { type ServicesConfig } from '../host.config.js';
import { CannotRun } from '../isolation/isolation.js';
import { isSameProcess } from '../../platform/processes/process-identity.js';
import { type ProcessEnd } from '../runner/supervised-process.js';
import { type RunRecord } from '../state/run-records.js';
import { Ports } from './ports.js';
import { dropOutput } from './service-output.js';
import { ServiceProcess, type ServiceProcessOptions } from './service-process.js';
import { type ServiceReports } from './service-reports.js';

/** The longest that a claim waits for something to start at the coordinator. */
const MOST_WAIT_MS = 20_000;

export interface ServiceHostOptions extends Omit<ServiceProcessOptions, 'hostId'> {
  /** Read anew each time: the coordinator may give the host another id. */
  readonly hostId: () => string;
  readonly config: ServicesConfig;
  readonly rules: CommandRules;
  readonly reports: ServiceReports;
  readonly registration: Registration;
  readonly pollMs: number;
  readonly logger: Logger;
  readonly every: Every;
}

/** Claims services and keeps their processes as the coordinator wants them. Restarts are the coordinator's decision. */
export class ServiceHost extends Loop {
  private readonly processes = new Set<ServiceProcess>();
  private readonly ports: Ports;
  /** Processes of an earlier life that are gone, until the coordinator can be told. */
  private lost: ActiveService[] = [];
  /** Claimed, and not started yet. */
  private readonly beginning = new Set<ActiveService>();
  private claimKey = newKey();

  constructor(private readonly options: ServiceHostOptions) {
    super({ name: 'claim services', intervalMs: options.pollMs, logger: options.logger }, options.every);
    this.ports = new Ports(options.config.basePort);
  }

  /** Goes on with the process of an earlier life, or ends what is left of it, which the next registration tells. */
  async takeOver(record: RunRecord): Promise<void> {
    const { isolation, records, state, logger } = this.options;
    const { process, service } = record;
    if (service === undefined) return;
    if (isolation.canAdopt && process !== undefined && isSameProcess(process)) {
      logger.info({ serviceId: record.id, pid: process.pid }, 'Going on with a service of an earlier life.');
      this.ports.reserve(service.port);
      this.watch(ServiceProcess.adopt({ ...record, process, service }, this.processOptions()));
      return;
    }
    await isolation.endLeftover(record);
    dropOutput(state, record.runId);
    records.remove(record.runId);
    const { slot, generation } = service;
    this.lost.push({ serviceId: record.id, slot, generation });
  }

  /** Every process that has not ended, from the moment that it was claimed. */
  get active(): readonly ActiveService[] {
    return [...this.beginning, ...this.processes].map(({ serviceId, slot, generation }) => ({
      serviceId,
      slot,
      generation,
    }));
  }

  /** Tells of everything that runs, to a coordinator that may have forgotten it, and of what has been lost. */
  announce(): void {
    for (const replica of this.lost) {
      this.fail(replica, 'service process ended with an earlier life of the host');
    }
    this.lost = [];
    for (const process of this.processes) {
      if (process.isReady && process.endReason === undefined) this.reportRunning(process);
    }
  }

  /** Ends the processes of services that had begun when the coordinator was asked. */
  stopServices(serviceIds: readonly string[], askedAt: number): void {
    for (const process of this.processes) {
      if (!serviceIds.includes(process.serviceId) || process.begunAt > askedAt) continue;
      if (process.endReason === undefined) this.end(process, 'stopped');
    }
  }

  /** The same of single replicas. */
  stopReplicas(replicas: readonly StopReplica[], askedAt: number): void {
    for (const process of this.processes) {
      const isMeant = replicas.some(
        ({ serviceId, slot, generation = process.generation }) =>
          serviceId === process.serviceId && slot === process.slot && generation === process.generation,
      );
      if (isMeant && process.begunAt <= askedAt && process.endReason === undefined)
        this.end(process, 'stopped');
    }
  }

  /** Ends everything, and reports it as failed. */
  async finish(): Promise<void> {
    const ending = [...this.processes].map(async (process) => {
      const wasWanted = process.endReason === undefined;
      await process.end('shutting down');
      if (wasWanted) this.fail(process, 'host is shutting down');
    });
    await Promise.all(ending);
  }

  protected override async runOnce(signal: AbortSignal): Promise<void> {
    while (this.options.registration.isRegistered && !signal.aborted) {
      const claimed = await this.claim(signal);
      if (claimed === undefined) return;
      await this.obey(claimed);
    }
  }

  private async claim(signal: AbortSignal): Promise<ClaimedService | undefined> {
    const { client, registration, hostId, pollMs } = this.options;
    const waitMs = Math.min(pollMs, MOST_WAIT_MS);
    try {
      const answer = await client.post(
        `/v1/hosts/${encodeURIComponent(hostId())}/services/claim`,
        { wait_ms: waitMs } satisfies ClaimServiceRequest,
        { key: this.claimKey, patienceMs: waitMs, signal },
      );
      this.claimKey = newKey();
      return serviceOfClaim(answer);
    } catch (error) {
      if (!(error instanceof CoordinatorRefusal)) throw error;
      this.claimKey = newKey();
      // A coordinator without services has none to start.
      if (error.isUnknownRoute) return undefined;
      if (!needsRegistration(error)) throw error;
      await registration.renew(signal);
      return undefined;
    }
  }

  private async obey({ service, slot }: ClaimedService): Promise<void> {
    const assignment = assignmentOf(service, this.options.hostId(), slot);
    if (assignment === undefined) {
      this.logger.warn(
        { serviceId: service.id },
        'The coordinator hands out a service that it has not assigned here.',
      );
      return;
    }
    const { generation, restarts } = assignment;
    const here = [...this.processes].filter(
      (process) =>
        process.serviceId === service.id && process.slot === slot && process.endReason === undefined,
    );
    const step = stepFor(generation, here);
    switch (step.kind) {
      case 'wait':
        return;
      case 'report':
        this.reportRunning(step.process);
        return;
      case 'start':
        for (const process of step.abandon) this.end(process, 'replaced');
        await this.begin(service, { serviceId: service.id, slot, generation }, restarts);
    }
  }

  private async begin(service: Service, replica: ActiveService, restarts: number): Promise<void> {
    const refusal = refusalOf(service, this.options.rules);
    if (refusal !== undefined) {
      this.fail(replica, refusal);
      return;
    }
    this.beginning.add(replica);
    try {
      await this.startProcess(service, replica, restarts);
    } finally {
      this.beginning.delete(replica);
    }
  }

  private async startProcess(service: Service, replica: ActiveService, restarts: number): Promise<void> {
    const { slot, generation } = replica;
    const port = await this.ports.take();
    if (port === undefined) {
      this.fail(replica, `no free port from ${this.options.config.basePort} up`);
      return;
    }
    const endpoint = `${this.options.config.publicBaseUrl}:${port}`;
    try {
      const process = await ServiceProcess.start(
        { service, slot, generation, restarts, port, endpoint },
        this.processOptions(),
      );
      this.logger.info({ ...replica, port }, 'Starting a service.');
      this.watch(process);
    } catch (error) {
      this.ports.giveBack(port);
      if (!(error instanceof CannotRun)) throw error;
      this.fail(replica, error.message);
    }
  }

  /** Follows a process from here on. */
  private watch(process: ServiceProcess): void {
    this.processes.add(process);
    void process.ended.then((end) => this.onEnd(process, end));
    if (!process.isReady) void this.awaitReady(process);
  }

  private async awaitReady(process: ServiceProcess): Promise<void> {
    const state = await process.becomesReady(this.options.config.startLimitMs);
    if (state === 'ended' || process.endReason !== undefined) return;
    if (state === 'late') {
      this.end(process, 'not ready');
      return;
    }
    this.reportRunning(process);
    for (const other of this.processes) {
      const isSameReplica = other.serviceId === process.serviceId && other.slot === process.slot;
      if (other !== process && isSameReplica && other.endReason === undefined) this.end(other, 'replaced');
    }
  }

  private onEnd(process: ServiceProcess, end: ProcessEnd): void {
    this.processes.delete(process);
    this.ports.giveBack(process.port);
    const { serviceId, generation, endReason } = process;
    this.logger.info(
      { serviceId, generation, reason: endReason ?? textOf(end) },
      'A service process has ended.',
    );
    if (endReason === 'not ready') {
      const { startLimitMs } = this.options.config;
      this.fail(process, `service was not ready on port ${process.port} within ${startLimitMs}ms`);
    } else if (endReason === undefined) this.fail(process, textOf(end));
    this.nudge();
  }

  private end(process: ServiceProcess, reason: NonNullable<ServiceProcess['endReason']>): void {
    this.logger.info(
      { serviceId: process.serviceId, generation: process.generation, reason },
      'Ending a service.',
    );
    void process.end(reason);
  }

  private reportRunning(process: ServiceProcess): void {
    const { reports, hostId } = this.options;
    const { serviceId, slot, generation, endpoint } = process;
    void reports
      .send(serviceId, { hostId: hostId(), status: 'running', endpoint, slot, generation })
      .then((delivery) => {
        // Neither 404 nor 409 leave anything for this process to do.
        const isOurs = delivery?.kind !== 'refused' || ![404, 409].includes(delivery.refusal.status);
        if (!isOurs && process.endReason === undefined) this.end(process, 'not ours');
      });
  }

  private fail({ serviceId, slot, generation }: ActiveService, error: string): void {
    const { reports, hostId } = this.options;
    void reports.send(serviceId, { hostId: hostId(), slot, status: 'failed', error, generation });
  }

  private processOptions(): ServiceProcessOptions {
    return { ...this.options, hostId: this.options.hostId() };
  }
}

function refusalOf({ command, args, network }: Service, rules: CommandRules): string | undefined {
  if (network === false) return 'a service without a network cannot be reached';
  return refusalOfCommand(command, args, rules);
}

function textOf(end: ProcessEnd): string {
  switch (end.kind) {
    case 'not-started':
      return end.message;
    case 'gone':
      return 'service process exited with code unknown';
    case 'exit': {
      // As a shell counts a death by a signal.
      const code = end.code ?? 128 + (end.signal === null ? 0 : constants.signals[end.signal]);
      return `service process exited with code ${code}`;
    }
  }
}
