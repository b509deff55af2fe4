import { GATE } from '../../ledger/index.js';

/** How tasks stand that have not succeeded, as far as they were counted. */
export interface Standing {
  readonly status: string;
  readonly gate: number;
  readonly tasks: number;
}

/** A count that may have stopped at its bound: then there are so many, or more. */
export interface Bounded {
  readonly count: number;
  readonly isPartial: boolean;
}

/** The statuses that are counted. Who has succeeded is not: there is no end to them. */
export const countedStatuses = [
  'queued',
  'released',
  'claimed',
  'running',
  'failed',
  'failed_timeout',
] as const;
export type CountedStatus = (typeof countedStatuses)[number];

/** What a task may wait for. `ready`: for nothing but somebody who takes it. */
export const reasons = ['ready', 'dependencies', 'files', 'time', 'key'] as const;
export type Reason = (typeof reasons)[number];

const gateOf: Readonly<Record<Reason, number>> = {
  ready: GATE.runnable,
  dependencies: GATE.waitsForDependencies,
  files: GATE.waitsForFile,
  time: GATE.waitsForTime,
  key: GATE.waitsForKey,
};
const waitingGates = new Set(Object.values(gateOf));

/** The statuses that were counted together, up to one bound. */
const groups: readonly (readonly CountedStatus[])[] = [
  ['queued', 'released'],
  ['claimed', 'running'],
  ['failed', 'failed_timeout'],
];

/** Tasks by status. When a group was counted to its bound, each of its statuses may have more. */
export function byStatus(
  standings: readonly Standing[],
  bound: number,
): Readonly<Record<CountedStatus, Bounded>> {
  const countOf = (status: CountedStatus) =>
    sum(standings.filter((standing) => standing.status === status).map(({ tasks }) => tasks));
  const counted = groups.flatMap((group) => {
    const isPartial = sum(group.map(countOf)) >= bound;
    return group.map((status) => [status, { count: countOf(status), isPartial }] as const);
  });
  return Object.fromEntries(counted) as Record<CountedStatus, Bounded>;
}

/** Whether more tasks may be waiting than were counted. */
export function isBacklogPartial(standings: readonly Standing[], bound: number): boolean {
  return sum(standings.filter(isWaiting).map(({ tasks }) => tasks)) >= bound;
}

/**
 * Tasks that wait, by what for. Behind the bound the first of the backlog say only the least of it; `alone` is then what
 * was counted of each reason by itself, if it was.
 */
export function byReason(
  standings: readonly Standing[],
  alone: Readonly<Partial<Record<Reason, Bounded>>> | null,
): Readonly<Record<Reason, Bounded>> {
  const counted = reasons.map((reason) => {
    const atGate = standings.filter(({ gate }) => gate === gateOf[reason]);
    const least = { count: sum(atGate.map(({ tasks }) => tasks)), isPartial: alone !== null };
    const counted = alone?.[reason] ?? least;
    return [reason, counted.count >= least.count ? counted : least] as const;
  });
  return Object.fromEntries(counted) as Record<Reason, Bounded>;
}

const isWaiting = ({ gate }: Standing) => waitingGates.has(gate);

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
