import {
  type Deployment,
  liveOf,
  type Moment,
  type RolloutRecord,
  type ServiceRecord,
} from './deployment.js';
import { sameSpec, type ServiceSpec } from './spec.js';

/** What somebody wants to run. */
export interface Wish {
  readonly id: string;
  readonly name: string;
  readonly replicas: number;
  readonly spec: ServiceSpec;
}

/** A service that is deployed for the first time. */
export function newDeployment(wish: Wish, now: Moment, updatedBy: string): Deployment {
  const service: ServiceRecord = {
    ...wish,
    ...{ generation: 1, newestGeneration: 1, fallback: null, hasRun: false },
    rollout: freshRollout(now),
    ...{ stoppedAt: null, deletedAt: null, createdAt: now, updatedAt: now, updatedBy, version: 1 },
  };
  return { service, assignments: [] };
}

/**
 * Deploys a service that is there: with the same spec only name and number of replicas change, and a rollout that came
 * to no good end begins anew; any other is a new generation. One that was stopped lives again; one that was deleted is as good as new.
 */
export function deploy(deployment: Deployment, { name, replicas, spec }: Wish, now: Moment): Deployment {
  const { service } = deployment;
  if (service.deletedAt !== null) {
    const generation = service.newestGeneration + 1;
    const reborn = { name, replicas, spec, generation, newestGeneration: generation, createdAt: now };
    const nothing = { fallback: null, hasRun: false, stoppedAt: null, deletedAt: null };
    return changed(deployment, { ...reborn, ...nothing, rollout: freshRollout(now) });
  }
  const lives = changed(deployment, {
    ...{ name, replicas, stoppedAt: null },
    ...(service.stoppedAt === null ? {} : { rollout: freshRollout(now) }),
  });
  return sameSpec(spec, service.spec) ? triedAgain(lives, now) : nextGeneration(lives, spec, now);
}

/** What was rolled back or given up is begun anew when the same is asked for once more. */
function triedAgain(deployment: Deployment, now: Moment): Deployment {
  const { state } = deployment.service.rollout;
  const hasEnded = state === 'rolled-back' || state === 'failed';
  return hasEnded ? changed(deployment, { rollout: freshRollout(now) }) : deployment;
}

/** The same spec once more: all processes are replaced, one by one. */
export function restart(deployment: Deployment, now: Moment): Deployment {
  return nextGeneration(deployment, deployment.service.spec, now);
}

export function scale(deployment: Deployment, replicas: number): Deployment {
  return changed(deployment, { replicas });
}

/** Ends all processes. What is stopped already stays as it is. */
export function stop(deployment: Deployment, now: Moment): Deployment {
  return deployment.service.stoppedAt === null ? changed(deployment, { stoppedAt: now }) : deployment;
}

/** Ends all processes, and the service once they are gone. */
export function remove(deployment: Deployment, now: Moment): Deployment {
  return changed(stop(deployment, now), { deletedAt: now });
}

function nextGeneration(deployment: Deployment, spec: ServiceSpec, now: Moment): Deployment {
  const { service } = deployment;
  const generation = service.newestGeneration + 1;
  return changed(deployment, {
    ...{ generation, newestGeneration: generation, spec, hasRun: false },
    fallback: fallbackOf(deployment),
    rollout: freshRollout(now),
  });
}

/** The last generation that proved itself: this one, or what it would have gone back to itself. */
function fallbackOf(deployment: Deployment): ServiceRecord['fallback'] {
  const { generation, spec, hasRun, rollout, fallback } = deployment.service;
  const itself = { generation, spec };
  if (rollout.state === 'complete' || rollout.state === 'rolled-back') return itself;
  if (fallback !== null) return fallback;
  const runs = liveOf(deployment).some((row) => row.generation === generation && row.status === 'running');
  return runs || (hasRun && rollout.state === 'progressing') ? itself : null;
}

function freshRollout(now: Moment): RolloutRecord {
  const times = { startedAt: now, progressAt: now, finishedAt: null };
  return { state: 'progressing', reason: '', failures: 0, ...times };
}

function changed(deployment: Deployment, changes: Partial<ServiceRecord>): Deployment {
  return { ...deployment, service: { ...deployment.service, ...changes } };
}
