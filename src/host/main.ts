import { setTimeout as wait } from 'node:timers/promises';
import { type Logger } from '../platform/logging/logger.js';
import { type Every } from '../platform/loops/loop.js';
import { CoordinatorClient } from './coordinator/coordinator-client.js';
import { Deliverer } from './coordinator/delivery.js';
import { Heartbeat } from './coordinator/heartbeat.js';
import { Registration } from './coordinator/registration.js';
import { type JobRules } from './domain/job-plan.js';
import { ConfigError } from '../platform/config/config-error.js';
import { type HostConfig } from './host.config.js';
import { openIsolation } from './isolation/open-isolation.js';
import { Completions } from './jobs/completions.js';
import { JobRunner } from './jobs/job-runner.js';
import { JobWorker } from './jobs/job-worker.js';
import { type ShippingSwitch } from './output/log-shipper.js';
import { CapabilityProber } from './probes/capability-prober.js';
import { Commands } from './runner/commands.js';
import { ServiceHost } from './services/service-host.js';
import { ServiceReports } from './services/service-reports.js';
import { HostIdentity } from './state/host-identity.js';
import { RunRecords } from './state/run-records.js';
import { StateDir } from '../platform/state-dir/state-dir.js';

/** How long a shutdown waits for its last reports to be answered. */
const DELIVERY_MS = 2_000;

export interface HostOptions {
  readonly config: HostConfig;
  readonly logger: Logger;
  /** A line for the operator. */
  readonly say: (line: string) => void;
  /** What children may see of the environment; they get a small part of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface RunningHost {
  readonly hostId: string;
  /** Claims no more, lets jobs finish, ends what is left, reports, and closes; within 20 s. May be called twice. */
  close(): Promise<void>;
}

/**
 * Starts the daemon: it ends or adopts what an earlier life has left, and then registers and works for as long as the
 * process lives; a coordinator that is away is waited for. Throws a ConfigError for what only an operator can mend.
 */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const state = StateDir.open(options.config.stateDir, {
    owner: 'host daemon',
    setting: 'SKYCLAW_STATE_DIR',
    refuse: (text) => new ConfigError(text),
  });
  try {
    return await startIn(state, options);
  } catch (error) {
    state.release();
    throw error;
  }
}

async function startIn(state: StateDir, { config, logger, say, env }: HostOptions): Promise<RunningHost> {
  const identity = HostIdentity.load(state, config.hostId);
  const records = new RunRecords(state, logger);
  const names = [...new Set([...config.allowedCommands, config.openclawCommand])];
  const commands = new Commands(names, env['PATH'] ?? '');
  const isolation = await openIsolation({ config, state, commands, daemonEnv: env });
  const client = new CoordinatorClient({
    urls: config.coordinatorUrls,
    token: config.token,
    timeoutMs: config.requestTimeoutMs,
    logger,
  });
  client.hostToken = identity.token;
  const shipping: ShippingSwitch = { isOn: true };
  const shared = { client, identity, logger, every };
  const rules: JobRules = {
    allowed: new Set(config.allowedCommands),
    denyInlineEval: config.denyInlineEval,
    openclawCommand: config.openclawCommand,
    defaultLimitMs: config.defaultLimitMs,
  };

  const prober = new CapabilityProber({
    file: config.probesFile,
    always: config.capabilities,
    periodMs: config.probePeriodMs,
    passEnv: config.passEnv,
    daemonEnv: env,
    onChange: () => heartbeat.nudge(),
    logger,
    every,
  });
  const jobIds = (): readonly string[] => [...new Set([...worker.jobIds, ...completions.jobIds])];
  const registration: Registration = new Registration({
    client,
    identity,
    cutClaims: () => worker.cutClaim(),
    describe: () => {
      const { capabilities } = prober;
      heartbeat.registeredWith(capabilities);
      return {
        name: config.name,
        capabilities,
        maxParallel: config.maxParallel,
        activeJobs: jobIds(),
        activeServices: services?.active ?? [],
        defaultTimeoutMs: config.defaultLimitMs,
      };
    },
    onRegistered: () => {
      // Another coordinator may know the route that the last one did not.
      shipping.isOn = true;
      services?.announce();
      for (const loop of [heartbeat, worker, services]) loop?.nudge();
    },
    logger,
  });
  const deliverer = new Deliverer(client, registration, logger);
  const completions: Completions = new Completions(state, deliverer, logger);
  const runner = new JobRunner({
    rules,
    maxOutputBytes: config.maxOutputBytes,
    isolation,
    records,
    client,
    shipping,
    logger,
  });
  const worker: JobWorker = new JobWorker({
    ...shared,
    registration,
    runner,
    completions,
    maxParallel: config.maxParallel,
    pollMs: config.pollMs,
  });
  const reports = new ServiceReports(deliverer, logger);
  const services =
    config.services === undefined
      ? undefined
      : new ServiceHost({
          ...shared,
          config: config.services,
          hostId: () => identity.id,
          rules,
          reports,
          registration,
          isolation,
          state,
          records,
          shipping,
          pollMs: config.pollMs,
        });
  const heartbeat: Heartbeat = new Heartbeat({
    ...shared,
    registration,
    jobIds,
    activeServices: () => services?.active ?? [],
    capabilities: () => prober.capabilities,
    onStopJobs: (ids, sentAt) => worker.takeAway(ids, sentAt),
    onStopServices: (ids, sentAt) => services?.stopServices(ids, sentAt),
    onStopReplicas: (replicas, sentAt) => services?.stopReplicas(replicas, sentAt),
    intervalMs: config.heartbeatMs,
  });

  say(`SkyClaw host: ${identity.id} (${config.name})`);
  say(`Coordinator: ${config.coordinatorUrls.join(', ')}`);
  await prober.check();
  say(`Capabilities: ${prober.capabilities.join(', ')}; up to ${config.maxParallel} jobs at once`);
  say(`Isolation: ${isolation.description}`);
  const missing = config.podman === undefined ? commands.missing(names) : [];
  if (missing.length > 0)
    logger.warn({ commands: missing }, 'Allowed commands are not on the PATH of this daemon.');

  // Before the coordinator hears that these jobs do not run here any more.
  for (const record of records.all()) {
    if (record.kind === 'service' && services !== undefined) await services.takeOver(record);
    else {
      logger.info({ id: record.id }, 'Ending what an earlier life has left running.');
      await isolation.endLeftover(record);
      records.remove(record.runId);
    }
  }
  await isolation.sweep();

  completions.resume();
  for (const loop of [prober, heartbeat, worker, services]) loop?.start();
  void registration.renew(new AbortController().signal);

  let closing: Promise<void> | undefined;
  const close = async () => {
    await Promise.all([prober.stop(), worker.stop(), services?.stop()]);
    const handedBack = handBack(registration, logger);
    await Promise.all([worker.finish(config.patienceMs), services?.finish()]);
    await Promise.all([completions.drain(DELIVERY_MS), reports.drain(DELIVERY_MS), handedBack]);
    await heartbeat.stop();
    await registration.stop();
    await client.close();
    state.release();
  };
  return { hostId: identity.id, close: () => (closing ??= close()) };
}

/** A claim that was cut off may have been granted: what is not run here goes back. */
async function handBack(registration: Registration, logger: Logger): Promise<void> {
  if (!registration.isRegistered) return;
  try {
    // The coordinator gets the chance to notice that nobody waits for the claim any more.
    await wait(100);
    await registration.handBack();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    logger.debug(
      { reason },
      'Jobs that may have been granted at the end come back when their leases run out.',
    );
  }
}

const every: Every = (_name, intervalMs, tick) => {
  const timer = setInterval(tick, intervalMs);
  return () => clearInterval(timer);
};
