import { type Assignment, type Deployment, liveOf, type Moment, without } from './deployment.js';
import { type Circumstances } from './circumstances.js';
import { factsOf, type HostFacts, type HostsById } from './host-facts.js';
import { judgeRollout } from './rollout.js';

/**
 * Takes from a deployment what must not go on, and ends its rollout when that is due. Depends on nothing but what it is
 * given and may be run at any time: a second run finds nothing to do. Never takes a replica that serves and has no
 * successor, but at the deadline of a drain, or when there are more than wanted.
 */
export function settle(deployment: Deployment, circumstances: Circumstances): Deployment {
  const { service } = deployment;
  if (service.stoppedAt !== null) return endAll(deployment, liveOf(deployment), circumstances.now);
  const found = endUnfit(deployment, circumstances);
  const judged = judgeRollout(found, circumstances);
  // After a rollback what was about to come up is of a wrong generation.
  const fit = endUnfit(endLate(judged, circumstances), circumstances);
  const trimmed = endSurplus(endReplaced(fit, circumstances.now), circumstances);
  return judgeRollout(trimmed, circumstances);
}

/** What is on lost hosts, what is not up on draining ones, and what is not up of another generation. */
function endUnfit(deployment: Deployment, { hosts, now }: Circumstances): Deployment {
  return liveOf(deployment).reduce((found, row) => {
    const host = factsOf(hosts, row.hostId);
    if (host.isLost) return without(found, row, now, true);
    const isUp = row.status === 'running';
    const isUnfit =
      host.isDrainOver || (!isUp && (host.isDraining || row.generation !== found.service.generation));
    return isUnfit ? without(found, row, now) : found;
  }, deployment);
}

/** What does not come up. Another host, or another try, may do better. */
function endLate(deployment: Deployment, { now, limits }: Circumstances): Deployment {
  const late = liveOf(deployment).filter(
    (row) => row.status === 'pending' && now - row.claimedAt >= limits.timeoutMs,
  );
  const { rollout } = deployment.service;
  const failures = rollout.state === 'progressing' ? rollout.failures + late.length : rollout.failures;
  const counted = { ...deployment, service: { ...deployment.service, rollout: { ...rollout, failures } } };
  return late.length === 0 ? deployment : endAll(counted, late, now);
}

/** A replica whose successor runs in its slot: the host ends it by itself. */
function endReplaced(deployment: Deployment, now: Moment): Deployment {
  const live = liveOf(deployment);
  const { generation } = deployment.service;
  const replaced = live.filter(
    (row) =>
      row.generation !== generation &&
      live.some(
        (other) =>
          other.generation === generation &&
          other.status === 'running' &&
          other.hostId === row.hostId &&
          other.slot === row.slot,
      ),
  );
  return endAll(deployment, replaced, now);
}

/** What is beyond the wanted number, of which one may be a successor that is not up yet. */
function endSurplus(deployment: Deployment, { hosts, now }: Circumstances): Deployment {
  const { replicas } = deployment.service;
  const live = liveOf(deployment);
  const outgoing = live.filter((row) => isOutgoing(deployment, row, hosts));
  const staying = live.filter((row) => !outgoing.includes(row));
  const up = staying.filter(({ status }) => status === 'running');
  const coming = staying.filter(({ status }) => status !== 'running');
  const keptOutgoing = Math.min(outgoing.length, Math.max(0, replicas - up.length));
  const keptUp = Math.min(up.length, replicas);
  const room = replicas - keptUp - keptOutgoing + (keptOutgoing > 0 ? 1 : 0);
  return endAll(
    deployment,
    [
      ...worstFirst(outgoing, live, hosts).slice(0, outgoing.length - keptOutgoing),
      ...worstFirst(up, live, hosts).slice(0, up.length - keptUp),
      ...worstFirst(coming, live, hosts).slice(0, Math.max(0, coming.length - room)),
    ],
    now,
  );
}

/** Whether a replica serves only until it has a successor: it is of another generation, or its host drains. */
export function isOutgoing({ service }: Deployment, row: Assignment, hosts: HostsById): boolean {
  return row.generation !== service.generation || factsOf(hosts, row.hostId).isDraining;
}

/** Whom to do without first: on draining hosts, failing, where there are several on one host, of the oldest generation, the youngest. */
function worstFirst(
  rows: readonly Assignment[],
  live: readonly Assignment[],
  hosts: HostsById,
): Assignment[] {
  const crowd = (row: Assignment) => live.filter(({ hostId }) => hostId === row.hostId).length;
  const reluctance = (host: HostFacts) => (host.isDraining ? 2 : host.mayGetWork ? 0 : 1);
  const badness = (row: Assignment) => [
    ...[reluctance(factsOf(hosts, row.hostId)), row.failures, crowd(row), -row.generation, row.claimedAt],
  ];
  return [...rows].sort((a, b) => compare(badness(b), badness(a)));
}

function compare(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((value, index) => value !== other[index]);
  return at === -1 ? 0 : (one[at] ?? 0) - (other[at] ?? 0);
}

function endAll(deployment: Deployment, rows: readonly Assignment[], now: Moment): Deployment {
  return rows.reduce((found, row) => without(found, row, now), deployment);
}
