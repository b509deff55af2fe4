import { randomUUID } from 'node:crypto';
import { closeSync } from 'node:fs';
import { type Service } from '../../contracts/skyclaw.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type CoordinatorClient } from '../coordinator/coordinator-client.js';
import { type Incarnation } from '../domain/service-claim.js';
import { type Isolation } from '../isolation/isolation.js';
import { type ShippingSwitch } from '../output/log-shipper.js';
import { type ProcessEnd, SupervisedProcess } from '../runner/supervised-process.js';
import { type RunRecord, type RunRecords, type ServiceNote } from '../state/run-records.js';
import { type StateDir } from '../../platform/state-dir/state-dir.js';
import { becomesReady } from './readiness.js';
import { openOutput, ServiceOutput } from './service-output.js';

/** Between the request to end and the kill. */
const GRACE_MS = 10_000;

/** Why a process of a service is ended by its host. */
export type EndReason = 'stopped' | 'replaced' | 'not ours' | 'not ready' | 'shutting down';

export interface ServiceProcessOptions {
  readonly hostId: string;
  readonly isolation: Isolation;
  readonly state: StateDir;
  readonly records: RunRecords;
  readonly client: CoordinatorClient;
  readonly shipping: ShippingSwitch;
  readonly logger: Logger;
}

export interface NewServiceProcess {
  readonly service: Service;
  readonly slot: number;
  readonly generation: number;
  readonly restarts: number;
  readonly port: number;
  readonly endpoint: string;
}

/** One process of a service on this host. */
export class ServiceProcess implements Incarnation {
  /** On the clock of `performance.now()`. */
  readonly begunAt = performance.now();
  readonly ended: Promise<ProcessEnd>;
  /** Set as soon as this host wants it to end. */
  endReason: EndReason | undefined;
  private record: RunRecord & { readonly service: ServiceNote };

  private constructor(
    readonly serviceId: string,
    record: RunRecord & { readonly service: ServiceNote },
    private readonly process: SupervisedProcess,
    private readonly listens: (port: number) => Promise<boolean>,
    private readonly options: ServiceProcessOptions,
  ) {
    this.record = record;
    this.save({});
    const { hostId, client, shipping, logger, state } = options;
    const output = new ServiceOutput({
      state,
      runId: record.runId,
      to: {
        path: `/v1/services/${encodeURIComponent(serviceId)}/logs`,
        as: {
          hostId,
          attempt: record.service.restarts,
          slot: record.service.slot,
          generation: record.service.generation,
        },
      },
      from: record.service.shipped,
      onShipped: (shipped) => this.save({ shipped: { ...this.record.service.shipped, ...shipped } }),
      client,
      shipping,
      logger,
    });
    this.ended = process.ended.then(async (end) => {
      await output.finish();
      options.records.remove(record.runId);
      return end;
    });
  }

  /** Starts a process. Throws a CannotRun when that is impossible from the outset. */
  static async start(wanted: NewServiceProcess, options: ServiceProcessOptions): Promise<ServiceProcess> {
    const { service, slot, generation, restarts, port, endpoint } = wanted;
    const runId = randomUUID();
    const cage = await options.isolation.cage({
      runId,
      kind: 'service',
      id: service.id,
      command: service.command,
      args: service.args,
      cwd: service.cwd,
      confined: false,
      env: service.env ?? {},
      image: service.image,
      network: true,
      port,
    });
    const record = {
      runId,
      kind: 'service' as const,
      id: service.id,
      ...(cage.container === undefined ? {} : { container: cage.container }),
      service: {
        port,
        endpoint,
        slot,
        generation,
        restarts,
        healthPath: service.healthPath,
        isReady: false,
        shipped: { seq: 0, stdout: 0, stderr: 0 },
      },
    };
    options.records.create(record);
    const files = openOutput(options.state, runId);
    const process = SupervisedProcess.start(cage, files);
    closeSync(files.stdout);
    closeSync(files.stderr);
    return new ServiceProcess(
      service.id,
      { ...record, ...(process.identity === undefined ? {} : { process: process.identity }) },
      process,
      (port) => cage.listens(port),
      options,
    );
  }

  /** Goes on with the process of a record whose identity was checked. */
  static adopt(
    record: RunRecord & Required<Pick<RunRecord, 'process' | 'service'>>,
    options: ServiceProcessOptions,
  ): ServiceProcess {
    const cage = options.isolation.cageOf(record.runId);
    const process = SupervisedProcess.adopt(cage, record.process);
    return new ServiceProcess(record.id, record, process, (port) => cage.listens(port), options);
  }

  get slot(): number {
    return this.record.service.slot;
  }

  get generation(): number {
    return this.record.service.generation;
  }

  get port(): number {
    return this.record.service.port;
  }

  get endpoint(): string {
    return this.record.service.endpoint;
  }

  get isReady(): boolean {
    return this.record.service.isReady;
  }

  /** Waits until it is ready, has ended, or is too late. */
  async becomesReady(limitMs: number): Promise<'ready' | 'ended' | 'late'> {
    const over = new AbortController();
    void this.process.ended.then(() => over.abort());
    const { port, healthPath } = this.record.service;
    const isReady = await becomesReady({
      port,
      healthPath,
      listens: this.listens,
      limitMs,
      signal: over.signal,
    });
    if (over.signal.aborted) return 'ended';
    if (isReady) this.save({ isReady: true });
    return isReady ? 'ready' : 'late';
  }

  /** Ends it with all that it has started, politely at first. */
  async end(reason: EndReason): Promise<void> {
    this.endReason ??= reason;
    await this.process.end(GRACE_MS);
    await this.ended;
  }

  private save(change: Partial<ServiceNote>): void {
    this.record = { ...this.record, service: { ...this.record.service, ...change } };
    this.options.records.update(this.record);
  }
}
