import { type Deployment, liveOf } from './deployment.js';

export type ServiceStatus = 'pending' | 'running' | 'failed' | 'stopped';

/** What a service is as a whole. One that should have no replicas, and has none that runs, is as good as stopped. */
export function statusOf(deployment: Deployment): ServiceStatus {
  if (deployment.service.stoppedAt !== null) return 'stopped';
  const live = liveOf(deployment);
  if (live.some(({ status }) => status === 'running')) return 'running';
  if (deployment.service.replicas === 0) return 'stopped';
  const waits = live.some(({ status }) => status === 'pending') || live.length < deployment.service.replicas;
  return waits ? 'pending' : 'failed';
}
