import { Injectable } from '@nestjs/common';
import { type Db, type Tx } from '../../platform/database/database.js';
import { type Instant } from '../../platform/database/row.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { TOPICS } from '../runtime/index.js';
import { type FilePath, normalPath } from './domain/file-path.js';
import { type ClaimedTask, type Claimer, type ClaimProof, type Task } from './domain/task.js';
import {
  admit,
  type Candidate,
  claimWithoutFiles,
  lockCandidates,
  peek,
  readyExists,
  type Wanted,
} from './queries/claim.queries.js';
import {
  findProjectOfClaim,
  heldPaths,
  lockProject,
  park,
  type Parked,
  takeFile,
  wakeWaiters,
} from './queries/file.queries.js';
import * as leases from './queries/lease.queries.js';
import { msUntilNextDue, promoteDue } from './queries/upkeep.queries.js';

/** Candidates that one transaction under a project's lock looks at; grows while all it finds has to be parked. */
const FIRST_WINDOW = 4;
const LARGEST_WINDOW = 512;
/** Passes of one claim before it answers "nothing now": each parks what it found blocked, so the next sees other tasks. */
const MAX_PASSES = 1_000;
/** How often a claim looks again when ready tasks exist but others had them locked for the moment. */
const MAX_MISSES = 5;
const PROMOTE_BATCH = 500;

export interface ClaimResult {
  readonly claimed: ClaimedTask[];
  /** Slots that were not served because their workers may take other tasks than the claimer. */
  readonly unlike: readonly string[];
}

/** Taking tasks and keeping them. */
@Injectable()
export class ClaimsService {
  constructor(private readonly wakeups: Wakeups) {}

  /**
   * Claims up to one ready task for each slot, in the order of service, and starts them if that is wanted. Nobody else can
   * hold any of the tasks until its lease ends; all their files are owned. Ready tasks whose files are owned by others are
   * parked on the way. Slots of workers that may take other tasks than `claimer` are left to a claim of their own.
   */
  async claim(
    db: Db,
    claimer: Claimer,
    wanted: Wanted = { slots: [claimer.id], start: false },
  ): Promise<ClaimResult> {
    const claimed: ClaimedTask[] = [];
    const unlike: string[] = [];
    try {
      await this.claimInto({ claimed, unlike }, db, claimer, wanted);
    } catch (error) {
      // What is committed is somebody's: better fewer than wanted than tasks whose holder does not know of them.
      if (claimed.length === 0) throw error;
    }
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
    for (let pass = 0; pass < MAX_PASSES && open.length > 0; pass++) {
      const easy = await claimWithoutFiles(db, claimer, { slots: open, start });
      claimed.push(...easy.claimed);
      unlike.push(...without(open, easy.alike));
      open = easy.alike.slice(easy.claimed.length);
      if (open.length === 0) break;
      const [project] = easy.projectsWithFiles;
      if (project !== undefined) {
        const hard = await this.claimWithFiles(db, claimer, project, { slots: open, start }, window);
        claimed.push(...hard.claimed);
        open = open.slice(hard.claimed.length);
        if (hard.parked > 0) window = Math.min(window * 4, LARGEST_WINDOW);
        if (hard.claimed.length > 0 || hard.parked > 0) continue;
      } else if (easy.claimed.length > 0) break;
      if (claimed.length > 0 || ++misses > MAX_MISSES || !(await this.somethingIsReady(db, claimer))) break;
    }
  }

  /** What {@link claim} would return, without a lock or a trace. */
  peek(db: Db, claimer: Claimer): Promise<Task | null> {
    return peek(db, claimer);
  }

  /** claimed → running. Returns the ids of those that run now; one is missing when its proof does not hold. */
  start(db: Db, proofs: readonly ClaimProof[]): Promise<ReadonlySet<string>> {
    return leases.start(db, proofs);
  }

  /** claimed → running for a dispatcher: commits and returns the key of the execution that is about to be asked for. */
  startDispatch(db: Db, proof: ClaimProof, gatewayId: string): Promise<string | null> {
    return leases.startDispatch(db, proof, gatewayId);
  }

  /** Lets leases begin anew; their new ends by task. One is missing when its proof does not hold: the claim is lost. */
  renew(db: Db, proofs: readonly ClaimProof[]): Promise<ReadonlyMap<string, Instant>> {
    return leases.renew(db, proofs);
  }

  /**
   * Takes one more file for a held task, at once or not at all: waiting while holding is how deadlocks begin. The owner
   * is null when the path is blank or leads out of the project, or the proof does not hold.
   */
  async takeFile(
    db: Db,
    {
      taskId,
      claimToken,
      name,
    }: { readonly taskId: string; readonly claimToken: string; readonly name: string },
  ): Promise<{ readonly ok: boolean; readonly ownerId: string | null }> {
    const path = normalPath(name);
    const project = path === null ? null : await findProjectOfClaim(db, taskId, claimToken);
    if (path === null || project === null) return { ok: false, ownerId: null };
    const taken = await db.transaction(async (tx) => {
      await lockProject(tx, project);
      return takeFile(tx, { taskId, claimToken, path, name: name.trim() });
    });
    return { ok: taken?.ownerId === taskId, ownerId: taken?.ownerId ?? null };
  }

  private async somethingIsReady(db: Db, claimer: Claimer): Promise<boolean> {
    const due = await msUntilNextDue(db);
    if (due !== null && due <= 0) await promoteDue(db, PROMOTE_BATCH);
    return readyExists(db, claimer);
  }

  /** One pass under a project's lock: admits what is free, parks what is not, in the order of service. */
  private claimWithFiles(
    db: Db,
    claimer: Claimer,
    project: string,
    wanted: Wanted,
    window: number,
  ): Promise<{ claimed: ClaimedTask[]; parked: number }> {
    return db.transaction(async (tx) => {
      await lockProject(tx, project);
      const candidates = await lockCandidates(tx, claimer, Math.max(wanted.slots.length, window));
      const foreign = candidates.findIndex(
        ({ projectId, filePaths }) => filePaths.length > 0 && projectId !== project,
      );
      const { winners, losers } = await sortOut(
        tx,
        project,
        foreign < 0 ? candidates : candidates.slice(0, foreign),
        wanted.slots.length,
      );
      const claimed = await admit(tx, claimer, winners, wanted);
      const parked = losers.length === 0 ? [] : await park(tx, losers, true);
      if (await passOnBatons(tx, project, parked)) tx.afterCommit(() => this.wakeups.publish(TOPICS.ready));
      return { claimed, parked: parked.length };
    });
  }
}

/** Who of the candidates, in order, can have its files, and who cannot; stops once `limit` can. */
async function sortOut(
  tx: Tx,
  project: string,
  candidates: readonly Candidate[],
  limit: number,
): Promise<{ winners: number[]; losers: number[] }> {
  const taken = new Set<FilePath>(
    await heldPaths(
      tx,
      project,
      candidates.flatMap((candidate) => candidate.filePaths),
    ),
  );
  const winners: number[] = [];
  const losers: number[] = [];
  for (const { seq, filePaths } of candidates) {
    if (winners.length >= limit) break;
    if (filePaths.some((path) => taken.has(path))) losers.push(seq);
    else {
      winners.push(seq);
      for (const path of filePaths) taken.add(path);
    }
  }
  return { winners, losers };
}

/** A task that parks on another path than the one it was woken for hands that one's baton to the next. */
async function passOnBatons(tx: Tx, project: string, parked: readonly Parked[]): Promise<boolean> {
  const batons = parked.flatMap(({ baton, path }) => (baton !== null && baton !== path ? [baton] : []));
  return wakeWaiters(tx, project, [...new Set(batons)]);
}

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
