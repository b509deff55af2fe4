import { type Concurrency, type Held, isFull } from './concurrency.js';
import { type Use, UseIndex } from './use-index.js';
import { type WantedFile } from './wanted-files.js';

/** After so many losses a waiting task reserves all of its files, not only the one that it lost by. */
const LOSSES_BEFORE_RESERVATION = 3;

/** A use of somebody else's that may stand in the way. */
export interface Neighbour extends Use {
  readonly taskSeq: number;
  /** It is owned now; otherwise its task waits for it, and stands in the way only of those behind it. */
  readonly standing: 'held' | 'awake' | 'parked';
  readonly lane: string;
  readonly rank: number;
}

/** A task that could be admitted as far as everything but its files and its key is concerned. */
export interface Applicant {
  readonly seq: number;
  readonly lane: string;
  readonly rank: number;
  readonly files: readonly WantedFile[];
  readonly concurrency: Concurrency | null;
}

/** Whether a task keeps others from something while it is held, so that it is admitted under its project's lock. */
export function hasHoldings({ files, concurrency }: Pick<Applicant, 'files' | 'concurrency'>): boolean {
  return files.length > 0 || concurrency !== null;
}

export interface Conflict {
  readonly file: WantedFile;
  /** The task that owns it; null when others only wait for it ahead of this one. */
  readonly ownerSeq: number | null;
}

/** What orders tasks of a project: the lower rank first, then whoever was handed in first. */
interface Placed {
  readonly seq: number;
  readonly rank: number;
}

export function isAhead(a: Placed, b: Placed): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.seq < b.seq);
}

const NOBODY: ReadonlySet<number> = new Set();
const placeOf = ({ taskSeq, rank }: Neighbour): Placed => ({ seq: taskSeq, rank });

/**
 * The first file that keeps a task from starting: somebody owns it, or somebody of the same lane waits for it ahead of
 * this task. A lane is all that are alike in who may run them: a task that nobody can run must not hold up those that
 * somebody can. Those who have left the queue (`hasLeft`) are in nobody's way. Null when the task may have all of its
 * files.
 */
export function conflictOf(
  applicant: Applicant,
  neighbours: UseIndex<Neighbour>,
  hasLeft: ReadonlySet<number> = NOBODY,
): Conflict | null {
  const owns = (other: Neighbour) => other.standing === 'held' && other.taskSeq !== applicant.seq;
  for (const file of applicant.files) {
    const owner = neighbours.find(file, owns);
    if (owner !== undefined) return { file, ownerSeq: owner.taskSeq };
  }
  const waitsAhead = (other: Neighbour) =>
    other.standing !== 'held' &&
    other.lane === applicant.lane &&
    !hasLeft.has(other.taskSeq) &&
    isAhead(placeOf(other), applicant);
  const file = applicant.files.find((one) => neighbours.find(one, waitsAhead) !== undefined);
  return file === undefined ? null : { file, ownerSeq: null };
}

/** An applicant that cannot start, and why. */
export interface Loser {
  readonly applicant: Applicant;
  readonly conflict: Conflict;
}

/** What becomes of applicants. */
export interface Sorted<A extends Applicant> {
  /** They may start together. */
  readonly winners: A[];
  /** They have to wait for a file. */
  readonly losers: (Loser & { readonly applicant: A })[];
  /** They have to wait for their keys; what they reserve of files, they give up. */
  readonly full: A[];
}

/**
 * Sorts applicants, given in the order of service. `held`: how many tasks of their keys are held. Once somebody has passed
 * on what others may wait for, a place of its key or a file that it had reserved, nobody behind it is admitted: those who
 * are woken by that may come first. So the rest is left for the next look, but for those who have to be parked anyway.
 */
export function sortOut<A extends Applicant>(
  applicants: readonly A[],
  { neighbours, held }: { readonly neighbours: readonly Neighbour[]; readonly held: Held },
  limit: number,
): Sorted<A> {
  const all = new UseIndex(neighbours);
  const hasLeft = new Set<number>();
  const places = new Map(held);
  const sorted: Sorted<A> = { winners: [], losers: [], full: [] };
  let isPassedOn = false;
  for (const applicant of applicants) {
    if (sorted.winners.length >= limit) break;
    const { seq, concurrency, files } = applicant;
    if (isFull(concurrency, places)) {
      sorted.full.push(applicant);
      hasLeft.add(seq);
      isPassedOn ||= files.length > 0;
      continue;
    }
    const conflict = conflictOf(applicant, all, hasLeft);
    if (conflict !== null) {
      sorted.losers.push({ applicant, conflict });
      isPassedOn ||= concurrency !== null;
    } else if (!isPassedOn) {
      sorted.winners.push(applicant);
      if (concurrency !== null) places.set(concurrency.key, (places.get(concurrency.key) ?? 0) + 1);
    } else continue;
    for (const use of standingOf(applicant, conflict)) all.add(use);
  }
  return sorted;
}

/** What an applicant that was looked at is to those behind it. */
export function standingOf(applicant: Applicant, conflict: Conflict | null): Neighbour[] {
  const { seq: taskSeq, lane, rank, files } = applicant;
  return conflict === null
    ? files.map((file) => ({ ...file, taskSeq, lane, rank, standing: 'held' as const }))
    : [{ ...conflict.file, taskSeq, lane, rank, standing: 'parked' as const }];
}

/** What a task reserves while it waits, when it has lost so often, the last time by `conflict`. */
export function reservedBy({ applicant, conflict }: Loser, losses: number): readonly WantedFile[] {
  return losses >= LOSSES_BEFORE_RESERVATION ? applicant.files : [conflict.file];
}

/** A task that is parked, with what it reserves: it wakes when it can have all of that. */
export interface Waiter {
  readonly seq: number;
  readonly lane: string;
  readonly rank: number;
  readonly reserved: readonly Use[];
}

/**
 * Which waiters wake: in the order of service each whose reserved files nobody owns, unless one of its lane is awake for
 * them, wakes in this round, or waits for them ahead of it.
 */
export function wakeable(waiters: readonly Waiter[], neighbours: readonly Neighbour[]): Waiter[] {
  const inOrder = [...waiters].sort((a, b) => (isAhead(a, b) ? -1 : 1));
  const others = new UseIndex(neighbours);
  /** Those of this round that have been looked at, whether they wake or not: who comes later waits behind them. */
  const looked = new UseIndex<Use & { readonly lane: string }>();
  const chosen = new Map<number, Waiter>();
  for (const waiter of inOrder) {
    const { seq, lane, reserved } = waiter;
    const isInTheWay = (other: Neighbour) => {
      if (other.taskSeq === seq || other.standing === 'held') return other.taskSeq !== seq;
      if (other.lane !== lane || chosen.has(other.taskSeq)) return false;
      return other.standing === 'awake' || isAhead(placeOf(other), waiter);
    };
    const isHeldUp = reserved.some(
      (use) =>
        others.find(use, isInTheWay) !== undefined ||
        looked.find(use, (other) => other.lane === lane) !== undefined,
    );
    if (!isHeldUp) chosen.set(seq, waiter);
    for (const use of reserved) looked.add({ ...use, lane });
  }
  return [...chosen.values()];
}
