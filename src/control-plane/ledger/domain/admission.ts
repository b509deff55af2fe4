import { overlaps } from './patterns/index.js';
import { type WantedFile } from './wanted-files.js';

/** After so many losses a waiting task reserves all of its files, not only the one that it lost by. */
const LOSSES_BEFORE_RESERVATION = 3;

/** What is compared: a pattern and what is done to it. */
export type Use = Pick<WantedFile, 'pattern' | 'mode'>;

/** A use of somebody else's that may stand in the way. */
export interface Neighbour extends Use {
  readonly taskSeq: number;
  /** It is owned now; otherwise its task waits for it, and stands in the way only of those behind it. */
  readonly standing: 'held' | 'awake' | 'parked';
  readonly lane: string;
  readonly priority: number;
}

/** A task that could be admitted as far as everything but its files is concerned. */
export interface Applicant {
  readonly seq: number;
  readonly lane: string;
  readonly priority: number;
  readonly files: readonly WantedFile[];
}

export interface Conflict {
  readonly file: WantedFile;
  /** The task that owns it; null when others only wait for it ahead of this one. */
  readonly ownerSeq: number | null;
}

/** Whether two uses exclude each other: they may meet on a file, and one of them changes it. */
export function exclude(a: Use, b: Use): boolean {
  return (a.mode === 'write' || b.mode === 'write') && overlaps(a.pattern, b.pattern);
}

interface Ranked {
  readonly priority: number;
}

/** The order of service: higher priority first, then whoever was handed in first. */
export function isAhead(a: Ranked & { readonly seq: number }, b: Ranked & { readonly seq: number }): boolean {
  return a.priority > b.priority || (a.priority === b.priority && a.seq < b.seq);
}

/**
 * The first file that keeps a task from starting: somebody owns it, or somebody of the same lane waits for it ahead of
 * this task. A lane is all that are alike in who may run them: a task that nobody can run must not hold up those that
 * somebody can. Null when the task may have all of its files.
 */
export function conflictOf(applicant: Applicant, neighbours: readonly Neighbour[]): Conflict | null {
  const others = neighbours.filter(({ taskSeq }) => taskSeq !== applicant.seq);
  if (others.length === 0) return null;
  for (const file of applicant.files) {
    const owner = others.find((other) => other.standing === 'held' && exclude(file, other));
    if (owner !== undefined) return { file, ownerSeq: owner.taskSeq };
  }
  const ahead = others.filter(
    (other) =>
      other.standing !== 'held' &&
      other.lane === applicant.lane &&
      isAhead({ seq: other.taskSeq, priority: other.priority }, applicant),
  );
  for (const file of applicant.files) {
    if (ahead.some((other) => exclude(file, other))) return { file, ownerSeq: null };
  }
  return null;
}

/** An applicant that cannot start, and why. */
export interface Loser {
  readonly applicant: Applicant;
  readonly conflict: Conflict;
}

/** Sorts applicants, given in the order of service, into those that may start together and those that may not. */
export function sortOut<A extends Applicant>(
  applicants: readonly A[],
  neighbours: readonly Neighbour[],
  limit: number,
): { winners: A[]; losers: (Loser & { readonly applicant: A })[] } {
  const all = [...neighbours];
  const winners: A[] = [];
  const losers: (Loser & { readonly applicant: A })[] = [];
  for (const applicant of applicants) {
    if (winners.length >= limit) break;
    const conflict = conflictOf(applicant, all);
    if (conflict === null) winners.push(applicant);
    else losers.push({ applicant, conflict });
    all.push(...standingOf(applicant, conflict));
  }
  return { winners, losers };
}

/** What an applicant that was looked at is to those behind it. */
export function standingOf(applicant: Applicant, conflict: Conflict | null): Neighbour[] {
  const { seq: taskSeq, lane, priority, files } = applicant;
  return conflict === null
    ? files.map((file) => ({ ...file, taskSeq, lane, priority, standing: 'held' as const }))
    : [{ ...conflict.file, taskSeq, lane, priority, standing: 'parked' as const }];
}

/** What a task reserves while it waits, when it has lost so often, the last time by `conflict`. */
export function reservedBy({ applicant, conflict }: Loser, losses: number): readonly WantedFile[] {
  return losses >= LOSSES_BEFORE_RESERVATION ? applicant.files : [conflict.file];
}

/** A task that is parked, with what it reserves: it wakes when it can have all of that. */
export interface Waiter {
  readonly seq: number;
  readonly lane: string;
  readonly priority: number;
  readonly reserved: readonly Use[];
}

/**
 * Which waiters wake: in the order of service each whose reserved files nobody owns, unless one of its lane is awake for
 * them, wakes in this round, or waits for them ahead of it.
 */
export function wakeable(waiters: readonly Waiter[], neighbours: readonly Neighbour[]): Waiter[] {
  const inOrder = [...waiters].sort((a, b) => (isAhead(a, b) ? -1 : 1));
  const chosen: Waiter[] = [];
  const passed: Waiter[] = [];
  const meets = (waiter: Waiter, other: Waiter) =>
    other.lane === waiter.lane &&
    waiter.reserved.some((use) => other.reserved.some((reserved) => exclude(use, reserved)));
  for (const waiter of inOrder) {
    const isHeldUp = neighbours.some(
      (other) =>
        other.taskSeq !== waiter.seq &&
        (other.standing === 'held' ||
          (other.lane === waiter.lane &&
            (other.standing === 'awake' ||
              isAhead({ seq: other.taskSeq, priority: other.priority }, waiter)) &&
            !chosen.some(({ seq }) => seq === other.taskSeq))) &&
        waiter.reserved.some((use) => exclude(use, other)),
    );
    if (isHeldUp || [...chosen, ...passed].some((other) => meets(waiter, other))) passed.push(waiter);
    else chosen.push(waiter);
  }
  return chosen;
}
