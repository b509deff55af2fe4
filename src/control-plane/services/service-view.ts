import { type Assignment, type Deployment, liveOf, type Moment } from './domain/deployment.js';
import { rolloutFigures } from './domain/rollout.js';
import { statusOf } from './domain/status.js';
import { type AssignmentState, type RolloutState, type ServiceState } from './services.dto.js';

/** What stands for a value that is not shown. */
export const MASK = '***';

/** A service as callers see it. Only who handed the values of `env` in, and who must start it, is shown them. */
export function serviceState(deployment: Deployment, env: 'shown' | 'masked' = 'masked'): ServiceState {
  const { service } = deployment;
  const { spec } = service;
  const variables = spec.env === null ? undefined : env === 'shown' ? { ...spec.env } : masked(spec.env);
  return {
    ...{ id: service.id, name: service.name, command: spec.command, args: [...spec.args] },
    ...(spec.cwd === null ? {} : { cwd: spec.cwd }),
    ...(variables === undefined ? {} : { env: variables }),
    replicas: service.replicas,
    requiredCapabilities: [...spec.requiredCapabilities],
    maxPerHost: spec.maxPerHost,
    ...(spec.healthPath === null ? {} : { healthPath: spec.healthPath }),
    ...(spec.image === null ? {} : { image: spec.image }),
    ...(spec.network === null ? {} : { network: spec.network }),
    status: statusOf(deployment),
    generation: service.generation,
    assignments: liveOf(deployment).map(assignmentState),
    createdAt: time(service.createdAt),
    updatedAt: time(service.updatedAt),
    updatedBy: service.updatedBy,
    version: service.version,
  };
}

export function rolloutState(deployment: Deployment): RolloutState {
  const { id, generation, replicas, rollout, stoppedAt } = deployment.service;
  const figures = rolloutFigures(deployment);
  const finishedAt = stoppedAt ?? (figures.state === 'progressing' ? null : rollout.finishedAt);
  return {
    ...{ serviceId: id, generation, replicas },
    ...figures,
    startedAt: time(rollout.startedAt),
    ...(finishedAt === null ? {} : { finishedAt: time(finishedAt) }),
  };
}

function assignmentState(row: Assignment): AssignmentState {
  return {
    hostId: row.hostId,
    slot: row.slot,
    status: row.status,
    ...(row.endpoint === null ? {} : { endpoint: row.endpoint }),
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.startedAt === null ? {} : { startedAt: time(row.startedAt) }),
    updatedAt: time(row.updatedAt),
    generation: row.generation,
    restarts: row.restarts,
  };
}

function masked(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(env).map((name) => [name, MASK]));
}

function time(at: Moment): string {
  return new Date(at).toISOString();
}
