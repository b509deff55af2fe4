import { Injectable } from '@nestjs/common';
import { type Db, type Tx } from '../../platform/database/database.js';
import { type Instant } from '../../platform/database/row.js';
import { type Applicant } from './domain/admission.js';
import { exclude } from './domain/use-index.js';
import { type ClaimedTask, type Claimer, type ClaimProof, onlyProjectOf } from './domain/task.js';
import { type FileMode, wantedFiles } from './domain/wanted-files.js';
import { FileQueue } from './file-queue.service.js';
import { KeyQueue } from './key-queue.service.js';
import { keysOf } from './domain/concurrency.js';
import { ProjectTurns } from './project-turns.service.js';
import { LedgerMetrics } from './ledger.metrics.js';
import { ReadyMarks } from './ready-marks.service.js';
import { SoleLine } from './sole-line.service.js';
import { admit } from './queries/admit.queries.js';
import { lockCandidates, readyExists } from './queries/candidates.queries.js';
import { type ClaimPass, claimWithoutLock, type Wanted } from './queries/claim.queries.js';
import { type ClaimStart, type Mark } from './queries/discovery.js';
import { findHeld, findIds, findNeighbours, lockProject, takeFile } from './queries/file.queries.js';
import * as leases from './queries/lease.queries.js';
import { msUntilNextDue, promoteDue } from './queries/upkeep.queries.js';

/** Candidates that one transaction under a project's lock looks at; grows while all it finds has to be parked. */
export const FIRST_WINDOW = 4;
export const LARGEST_WINDOW = 512;
/** Passes of one claim before it answers "nothing now": each parks what it found blocked, so the next sees other tasks. */
const MAX_PASSES = 1_000;
/** Others may have all of a project's ready tasks locked for the moment; then so many projects are looked at. */
const PROJECTS_AFTER_A_MISS = 64;
/** How often a claim looks again when ready tasks exist but others had them locked for the moment. */
const MAX_MISSES = 5;
export const PROMOTE_BATCH = 500;

export interface ClaimResult {
  readonly claimed: ClaimedTask[];
  /** Slots that were not served because their workers may take other tasks than the claimer. */
  readonly unlike: readonly string[];
}

/** Taking tasks and keeping them. */
@Injectable()
export class ClaimsService {
  constructor(
    private readonly files: FileQueue,
    private readonly keys: KeyQueue,
    private readonly turns: ProjectTurns,
    private readonly marks: ReadyMarks,
    private readonly sole: SoleLine,
    private readonly metrics: LedgerMetrics,
  ) {}

  /**
   * Claims up to one ready task for each slot, in the order of service, and starts them if that is wanted. Nobody else can
   * hold any of the tasks until its lease ends; all their files are owned. Ready tasks whose files are owned by others, or
   * whose keys are full, are parked on the way. Slots of workers that may take other tasks than `claimer` are left to a claim of their own.
   */
  async claim(
    db: Db,
    claimer: Claimer,
    wanted: Wanted = { slots: [claimer.id], start: false },
  ): Promise<ClaimResult> {
    const claimed: ClaimedTask[] = [];
    const unlike: string[] = [];
    const beganMs = performance.now();
    try {
      await this.claimInto({ claimed, unlike }, db, claimer, wanted);
    } catch (error) {
      // What is committed is somebody's: better fewer than wanted than tasks whose holder does not know of them.
      if (claimed.length === 0) {
        this.metrics.claims.failed.observe((performance.now() - beganMs) / 1_000);
        throw error;
      }
    }
    const outcome = claimed.length === 0 ? 'empty' : 'claimed';
    this.metrics.claims[outcome].observe((performance.now() - beganMs) / 1_000);
    db.afterCommit(() => this.metrics.gave(claimer.holder, claimed));
    return { claimed, unlike };
  }

  private async claimInto(
    { claimed, unlike }: { readonly claimed: ClaimedTask[]; readonly unlike: string[] },
    db: Db,
    claimer: Claimer,
    { slots, start }: Wanted,
  ): Promise<void> {
    let open = slots;
    let window = FIRST_WINDOW;
    let misses = 0;
    let isWhole = false;
    // What is known of all projects helps to find tasks of any, and is not learned from one.
    const isBound = onlyProjectOf(claimer) !== null;
    for (let pass = 0; pass < MAX_PASSES && open.length > 0; pass++) {
      const projects = misses === 0 ? 1 : PROJECTS_AFTER_A_MISS;
      const marks = isWhole || isBound ? null : this.marks.inForce();
      const sole = marks === null && misses === 0 && !isBound ? this.sole.guessFor(claimer) : null;
      const at = { turns: this.turns.all, projects, marks, sole };
      const easy = await claimWithoutLock(db, claimer, { slots: open, start }, at);
      claimed.push(...easy.claimed.map(({ task }) => task));
      this.note(db, easy, isBound);
      if (sole !== null && easy.lines.length === 0 && easy.hasRoom) {
        this.sole.wasWrong();
        continue;
      }
      if (marks === null && !isBound) this.marks.looked(easy.readInVain);
      else if (marks !== null && easy.isShort) isWhole = true;
      unlike.push(...without(open, easy.alike));
      // A host gets no more than it has room for, so its slots are not served in their order.
      open =
        claimer.holder === 'host'
          ? without(easy.alike, holdersOf(easy))
          : easy.alike.slice(easy.claimed.length);
      let found = easy.isShared ? easy.claimed.length : 0;
      for (const { projectId, tasks } of easy.needingLock) {
        const wanted = { slots: open.slice(0, tasks), start };
        const hard = await this.claimUnderLock(db, claimer, projectId, wanted, {
          window,
          at: { ...at, projects: Math.max(projects, slots.length) },
        });
        claimed.push(...hard.claimed);
        open = open.slice(hard.claimed.length);
        // Whatever is behind the marks is somebody else's for the moment; the rest may be in front of them.
        if (hard.seen === 0) isWhole = true;
        if (hard.parked > 0) window = Math.min(window * 4, LARGEST_WINDOW);
        found += hard.claimed.length + hard.parked;
      }
      if (!easy.hasRoom) break;
      if (found > 0 || (marks !== null && isWhole)) continue;
      if (claimed.length > 0 || ++misses > MAX_MISSES || !(await this.somethingIsReady(db, claimer))) break;
    }
  }

  /** claimed → running. Returns the ids of those that run now; one is missing when its proof does not hold. */
  start(db: Db, proofs: readonly ClaimProof[]): Promise<ReadonlySet<string>> {
    return leases.start(db, proofs);
  }

  /** Lets leases begin anew; their new ends by task. One is missing when its proof does not hold: the claim is lost. */
  renew(db: Db, proofs: readonly ClaimProof[]): Promise<ReadonlyMap<string, Instant>> {
    return leases.renew(db, proofs);
  }

  /**
   * Takes one more file for a held task, at once or not at all: waiting while holding is how deadlocks begin. `owners` are
   * the tasks that own it: after a success the task itself, otherwise all that are in the way; none when the name is no
   * file of the project, or the proof does not hold.
   */
  async takeFile(
    db: Db,
    { taskId, claimToken }: { readonly taskId: string; readonly claimToken: string },
    wanted: { readonly path: string; readonly mode: FileMode },
  ): Promise<{ readonly ok: boolean; readonly owners: readonly string[] }> {
    const [file] = wantedFiles({ requiredFiles: [], readFiles: [], files: [wanted] }).files;
    const held = file === undefined ? null : await findHeld(db, taskId, claimToken);
    if (file === undefined || held === null) return { ok: false, owners: [] };
    return db.transaction(async (tx) => {
      await lockProject(tx, held.projectId);
      const neighbours = await findNeighbours(tx, held.projectId, [file]);
      const inTheWay = neighbours.filter(
        (other) => other.standing === 'held' && other.taskSeq !== held.seq && exclude(file, other),
      );
      if (inTheWay.length > 0) {
        const seqs = [...new Set(inTheWay.map(({ taskSeq }) => taskSeq))];
        const ids = await findIds(tx, seqs);
        return { ok: false, owners: seqs.flatMap((seq) => ids.get(seq) ?? []) };
      }
      const taken = await takeFile(tx, { taskId, claimToken }, file);
      return { ok: taken, owners: taken ? [taskId] : [] };
    });
  }

  /** Gives some files of a held task back early. The names of those that it owned; null when the proof does not hold. */
  async releaseFiles(
    db: Db,
    { taskId, claimToken }: { readonly taskId: string; readonly claimToken: string },
    paths: readonly string[],
  ): Promise<readonly string[] | null> {
    const { files } = wantedFiles({ requiredFiles: paths, readFiles: [], files: [] });
    const held = await findHeld(db, taskId, claimToken);
    if (held === null) return null;
    return db.transaction(async (tx) => {
      await lockProject(tx, held.projectId);
      // Looked at again: the claim may have ended before the lock was had.
      if ((await findHeld(tx, taskId, claimToken)) === null) return null;
      return this.files.freeSome(tx, held.projectId, held.seq, files);
    });
  }

  /** Remembers, once it is committed, whose turn it was and how far the ready tasks have been claimed. */
  private note(db: Db, { claimed, reached, lines }: ClaimPass, isBound: boolean): void {
    db.afterCommit(() => {
      if (!isBound) this.sole.found(lines);
      for (const { task, lane } of claimed) this.turns.served(lane, task.projectId);
      for (const mark of reached) this.marks.reached(mark);
    });
  }

  private async somethingIsReady(db: Db, claimer: Claimer): Promise<boolean> {
    const due = await msUntilNextDue(db);
    if (due !== null && due <= 0) await promoteDue(db, PROMOTE_BATCH);
    return readyExists(db, claimer);
  }

  /** One pass under a project's lock: admits what is free, parks what is not, in the order of service. */
  private async claimUnderLock(
    db: Db,
    claimer: Claimer,
    project: string,
    wanted: Wanted,
    { window, at }: { readonly window: number; readonly at: ClaimStart },
  ): Promise<{ claimed: ClaimedTask[]; parked: number; seen: number }> {
    const result = await db.transaction(async (tx) => {
      await lockProject(tx, project);
      const limit = Math.max(wanted.slots.length, window);
      const candidates = await lockCandidates(tx, claimer, { projectId: project, limit, ...at });
      const held = await this.keys.heldBeside(tx, project, candidates);
      const rules = { held, limit: wanted.slots.length };
      const { winners, losers, full } = await this.files.sortOut(tx, project, candidates, rules);
      const claimed = await admit(tx, claimer, winners, wanted);
      await this.files.park(tx, project, losers, { lost: true });
      await this.parkForKeys(tx, project, full);
      // Who waits for a file now is no longer runnable, and who was left out after all has taken no place and no file.
      const leftOut = winners.filter(({ seq }) => !claimed.some((task) => task.seq === seq));
      await this.files.offer(
        tx,
        project,
        leftOut.flatMap(({ files }) => files),
      );
      const placeless = [...losers.map(({ applicant }) => applicant), ...leftOut];
      await this.keys.offer(tx, project, keysOf(placeless));
      const gone = new Set(
        [...claimed, ...losers.map(({ applicant }) => applicant), ...full].map(({ seq }) => seq),
      );
      return {
        claimed,
        parked: losers.length + full.length,
        seen: candidates.length,
        lanes: new Set(winners.map(({ lane }) => lane)),
        reached: reachedBy(candidates, gone),
      };
    });
    db.afterCommit(() => {
      for (const lane of result.lanes) this.turns.served(lane, project);
      for (const mark of result.reached) this.marks.reached(mark);
    });
    return result;
  }

  /** A task waits for one thing at a time: for its key, and in no queue for files. */
  private async parkForKeys(tx: Tx, project: string, full: readonly Applicant[]): Promise<void> {
    await this.keys.park(tx, full);
    const withFiles = full.filter(({ files }) => files.length > 0).map(({ seq }) => seq);
    if (withFiles.length > 0) await this.files.leave(tx, project, withFiles);
  }
}

/** Of each lane the last of the candidates before which all are no longer ready. */
function reachedBy(candidates: readonly Mark[], gone: ReadonlySet<number>): Mark[] {
  const ended = new Set<string>();
  const reached = new Map<string, Mark>();
  for (const candidate of candidates) {
    const { lane, projectId, rank, seq } = candidate;
    if (!gone.has(seq)) ended.add(lane);
    else if (!ended.has(lane)) reached.set(lane, { lane, projectId, rank, seq });
  }
  return [...reached.values()];
}

const holdersOf = ({ claimed }: ClaimPass) => claimed.map(({ task }) => task.lockedBy);

/** The entries of a list that are left when those of another are taken out, one for one. */
function without(all: readonly string[], taken: readonly string[]): string[] {
  if (all.length === taken.length) return [];
  const counts = new Map<string, number>();
  for (const entry of taken) counts.set(entry, (counts.get(entry) ?? 0) + 1);
  return all.filter((entry) => {
    const count = counts.get(entry) ?? 0;
    counts.set(entry, count - 1);
    return count <= 0;
  });
}
