import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { type Host, type Job, type Rollout, type Service } from '../../../src/contracts/skyclaw.js';
import { Program } from '../../support/program.js';
import { ScriptableCoordinator } from './scriptable-coordinator.js';

const AT = '2026-01-02T03:04:05.678Z';

export interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A coordinator for the tests of one file, and the program beside it. */
export function useCoordinator(): {
  readonly coordinator: () => ScriptableCoordinator;
  readonly start: (args: readonly string[], env?: Record<string, string>) => Program;
  readonly skyclaw: (...args: string[]) => Promise<Ended>;
} {
  let coordinator: ScriptableCoordinator;
  beforeAll(async () => (coordinator = await ScriptableCoordinator.start()));
  beforeEach(() => coordinator.reset());
  afterAll(() => coordinator.close());
  const start = (args: readonly string[], env: Record<string, string> = {}) =>
    Program.start('skyclaw', args, { SKYCLAW_COORDINATOR_URL: coordinator.url, ...env });
  return {
    coordinator: () => coordinator,
    start,
    skyclaw: (...args) => ended(start(args)),
  };
}

/** Waits for the end of a program and of all that it has printed. */
export async function ended(program: Program): Promise<Ended> {
  await once(program.child, 'close');
  return { code: await program.exit(), stdout: program.stdout, stderr: program.stderr };
}

export function aJob(more: Partial<Job> = {}): Job {
  return {
    id: 'job_1',
    payload: { kind: 'shell', command: 'bash', args: ['-lc', 'echo hi'] },
    requirement: { requiredCapabilities: ['shell'] },
    status: 'queued',
    priority: 0,
    dependencies: [],
    attempts: 0,
    createdAt: AT,
    updatedAt: AT,
    updatedBy: 'node_1',
    version: 1,
    ...more,
  };
}

/** A job that has run. */
export function anEndedJob(
  exitCode: number,
  { stdout = '', stderr = '', ...more }: Partial<Job> & { stdout?: string; stderr?: string } = {},
): Job {
  return aJob({
    status: exitCode === 0 ? 'completed' : 'failed',
    attempts: 1,
    assignedHostId: 'host_a',
    result: { finishedAt: AT, durationMs: 12, exitCode, stdout, stderr },
    ...more,
  });
}

export function aHost(more: Partial<Host> = {}): Host {
  return {
    id: 'host_a',
    name: 'alpha',
    capabilities: ['openclaw', 'shell'],
    maxParallel: 4,
    activeLeases: 0,
    status: 'online',
    registeredAt: AT,
    lastSeenAt: new Date(Date.now() - 5_000).toISOString(),
    version: 1,
    updatedBy: 'node-1',
    ...more,
  };
}

export function aService(more: Partial<Service> = {}): Service {
  return {
    id: 'svc_1',
    name: 'web',
    command: 'node',
    args: ['server.js'],
    replicas: 1,
    requiredCapabilities: ['service-host'],
    status: 'pending',
    generation: 1,
    assignments: [],
    createdAt: AT,
    updatedAt: AT,
    updatedBy: 'node_1',
    version: 1,
    ...more,
  };
}

export function aRollout(more: Partial<Rollout> = {}): Rollout {
  return {
    serviceId: 'svc_1',
    generation: 2,
    state: 'progressing',
    message: '',
    replicas: 2,
    updated: 1,
    ready: 1,
    old: 1,
    startedAt: AT,
    ...more,
  };
}
