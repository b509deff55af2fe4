import { type Deployment, liveOf, type RolloutRecord } from './deployment.js';
import { type Circumstances, type RolloutLimits } from './circumstances.js';

/**
 * Ends a rollout that all replicas have gone through, or one that does not come up: it goes back to the last generation
 * that ran. A rollout that only waits for hosts, while nothing of an older generation is left, goes on for ever.
 */
export function judgeRollout(deployment: Deployment, { now, limits }: Circumstances): Deployment {
  const { rollout, generation, stoppedAt } = deployment.service;
  if (stoppedAt !== null || rollout.state === 'complete' || rollout.state === 'rolled-back')
    return deployment;
  const { live, own, up } = countsOf(deployment);
  if (isThrough(deployment)) {
    return concluded(deployment, { state: 'complete', reason: '', finishedAt: now });
  }
  if (rollout.state === 'failed') return deployment;
  const error = own.findLast((row) => row.error !== null)?.error ?? null;
  if (rollout.failures >= limits.maxFailures) {
    const why = error === null ? '' : `: ${error}`;
    return givenUp(deployment, `generation ${generation} failed ${rollout.failures} times${why}`, now);
  }
  const waits = own.length > up || own.length < live.length;
  if (waits && now - rollout.progressAt >= limits.timeoutMs) {
    return givenUp(deployment, `generation ${generation} did not come up within ${limits.timeoutMs} ms`, now);
  }
  return deployment;
}

/** When {@link judgeRollout} may judge otherwise without any change; null: never. */
export function rolloutDeadline({ service, assignments }: Deployment, limits: RolloutLimits): number | null {
  if (service.stoppedAt !== null || service.rollout.state !== 'progressing') return null;
  const waits = assignments.some(
    (row) => row.stop === null && (row.generation !== service.generation || row.status !== 'running'),
  );
  return waits ? service.rollout.progressAt + limits.timeoutMs : null;
}

function givenUp(deployment: Deployment, reason: string, now: number): Deployment {
  const { fallback } = deployment.service;
  if (fallback === null) return concluded(deployment, { state: 'failed', reason, finishedAt: now });
  const back = { ...deployment.service, ...fallback, fallback: null, hasRun: true };
  return concluded({ ...deployment, service: back }, { state: 'rolled-back', reason, finishedAt: now });
}

function concluded(
  deployment: Deployment,
  end: Pick<RolloutRecord, 'state' | 'reason' | 'finishedAt'>,
): Deployment {
  const { service } = deployment;
  return { ...deployment, service: { ...service, rollout: { ...service.rollout, ...end } } };
}

function countsOf(deployment: Deployment) {
  const live = liveOf(deployment);
  const own = live.filter((row) => row.generation === deployment.service.generation);
  return { live, own, up: own.filter(({ status }) => status === 'running').length };
}

/** Whether all replicas that are wanted run the generation, and nothing of another is left. */
function isThrough(deployment: Deployment): boolean {
  const { live, own, up } = countsOf(deployment);
  return own.length === live.length && up >= deployment.service.replicas;
}

/**
 * A rollout in figures and a sentence, as `kubectl rollout status` tells it: one that was completed is `progressing`
 * again while replicas are missing, be it that more are wanted or that some have failed. It is not given up for that.
 */
export interface RolloutFigures {
  readonly state: RolloutRecord['state'] | 'stopped';
  readonly message: string;
  readonly updated: number;
  readonly ready: number;
  readonly old: number;
}

export function rolloutFigures(deployment: Deployment): RolloutFigures {
  const { rollout, generation, replicas, stoppedAt } = deployment.service;
  const { live, own, up: ready } = countsOf(deployment);
  const old = live.filter((row) => row.generation !== generation && row.status === 'running').length;
  const figures = { updated: own.length, ready, old };
  if (stoppedAt !== null) return { ...figures, state: 'stopped', message: 'The service is stopped.' };
  const older =
    old === 0 ? '' : ` ${old} of other generations ${old === 1 ? 'serves' : 'serve'} until replaced.`;
  const running = `${ready} of ${replicas} replicas run generation ${generation}.${older}`;
  const state = rollout.state === 'complete' && !isThrough(deployment) ? 'progressing' : rollout.state;
  return { ...figures, state, message: sentence(rollout, generation) + running };
}

function sentence({ state, reason }: RolloutRecord, generation: number): string {
  if (state === 'rolled-back') return `Went back to generation ${generation}: ${reason}. `;
  return state === 'failed' ? `Gave up, with no earlier generation to go back to: ${reason}. ` : '';
}
