import { Injectable } from '@nestjs/common';
import { type Db } from '../../platform/database/database.js';
import { FIRST_WINDOW, LARGEST_WINDOW, PROMOTE_BATCH } from './claims.service.js';
import {
  hasHoldings,
  isAhead,
  type Loser,
  type Neighbour,
  reservedBy,
  sortOut,
  wakeable,
} from './domain/admission.js';
import { keysOf, wakeableForKeys } from './domain/concurrency.js';
import { GATE } from './domain/gate.js';
import { firstInTurn } from './domain/turns.js';
import { overlaps } from '../../file-patterns/index.js';
import { type Use } from './domain/use-index.js';
import { type Claimer, type Task } from './domain/task.js';
import {
  type Candidate,
  eligibleAmong,
  type Head,
  peekCandidates,
  peekHeads,
} from './queries/candidates.queries.js';
import { type Turns } from './queries/discovery.js';
import { ProjectTurns } from './project-turns.service.js';
import { findNeighbours, findOwnWaits, findWaiters } from './queries/file.queries.js';
import { findTasksBySeq } from './queries/read.queries.js';
import { hasRoom } from './queries/host-slots.queries.js';
import { countHeld, findContenders } from './queries/key.queries.js';
import { listDue } from './queries/upkeep.queries.js';

/** Tasks in front of the answer that a look judges at most: ready ones whose files are owned, until a claim parks them. */
const MAX_LOSERS = 4_096;

/** What a claim would return, found without a lock or a trace. */
@Injectable()
export class Foresight {
  constructor(private readonly turns: ProjectTurns) {}

  /**
   * The task that {@link ClaimsService.claim} would return first. Goes through the passes of a claim on paper: who would be
   * parked on the way stands in the way of those behind, who would wake by that is looked at, and so is what has rested
   * long enough.
   */
  async peek(db: Db, claimer: Claimer): Promise<Task | null> {
    if (claimer.holder === 'host' && !(await hasRoom(db, claimer.id))) return null;
    const paper = new Paper(db, claimer, this.turns.all);
    for (
      let window = FIRST_WINDOW;
      paper.losers <= MAX_LOSERS;
      window = Math.min(window * 4, LARGEST_WINDOW)
    ) {
      const head = await paper.nextHead();
      if (head === undefined) {
        if (await paper.promoteDue()) continue;
        return null;
      }
      const winner = head.hasHoldings ? await paper.pass(head, window) : head;
      if (winner === undefined) continue;
      const [task] = await findTasksBySeq(db, [winner.seq]);
      if (task?.gate != null && task.gate < GATE.held) return task;
      paper.skip(winner);
    }
    return null;
  }
}

type Gone = Pick<Candidate, 'seq' | 'projectId'>;

/** Where a pass looks: a project, in the lanes whose turn is at it. */
interface Place {
  readonly projectId: string;
  readonly lanes: readonly string[];
}

/** The queue as it would be after the passes so far. Tasks that they have moved are known here and ignored where they are stored. */
class Paper {
  private readonly moved = new Map<number, { readonly projectId: string; readonly uses: Neighbour[] }>();
  private readonly added = new Map<number, Candidate>();
  private readonly gone = new Map<number, Gone>();
  private promoted = false;

  constructor(
    private readonly db: Db,
    private readonly claimer: Claimer,
    private readonly turns: Turns,
  ) {}

  get losers(): number {
    return this.gone.size;
  }

  /** Somebody has claimed it meanwhile. */
  skip(task: Gone): void {
    this.gone.set(task.seq, task);
  }

  /** The task that a claim of one slot looks at first, and the lanes whose turn is at its project. */
  async nextHead(): Promise<(Head & { readonly lanes: readonly string[] }) | undefined> {
    const seen = new Set([...this.gone.values()].map(({ projectId }) => projectId)).size;
    const look = { without: [...this.gone.keys()], many: seen + 1 };
    const heads: Head[] = await peekHeads(this.db, this.claimer, this.turns, look);
    for (const candidate of this.added.values()) {
      if (!this.gone.has(candidate.seq)) heads.push({ ...candidate, hasHoldings: hasHoldings(candidate) });
    }
    const inTurn = firstInTurn(heads, this.turns).sort((a, b) => (isAhead(a, b) ? -1 : 1));
    const [first] = inTurn;
    if (first === undefined) return undefined;
    const ofProject = inTurn.filter(({ projectId }) => projectId === first.projectId);
    return { ...first, lanes: [...new Set(ofProject.map(({ lane }) => lane))] };
  }

  /** The first `window` ready tasks of a project in the order of service. */
  private async candidates(at: Place, window: number): Promise<Candidate[]> {
    const stored = await peekCandidates(this.db, this.claimer, at, window + this.gone.size);
    const known = new Map(stored.map((candidate) => [candidate.seq, candidate]));
    for (const candidate of this.added.values())
      if (candidate.projectId === at.projectId && at.lanes.includes(candidate.lane))
        known.set(candidate.seq, candidate);
    return [...known.values()]
      .filter(({ seq }) => !this.gone.has(seq))
      .sort((a, b) => (isAhead(a, b) ? -1 : 1))
      .slice(0, window);
  }

  /** Adds what has rested long enough, once, as a claim that finds nothing does. False when there is nothing of the kind. */
  async promoteDue(): Promise<boolean> {
    if (this.promoted) return false;
    this.promoted = true;
    return this.add(await listDue(this.db, PROMOTE_BATCH));
  }

  /** One pass under a project's lock: the task that it admits, or none when all that it found would be parked. */
  async pass(at: Place, window: number): Promise<Candidate | undefined> {
    const { projectId } = at;
    const candidates = await this.candidates(at, window);
    const neighbours = await this.neighbours(
      projectId,
      candidates.flatMap(({ files }) => files),
    );
    const held = await countHeld(this.db, projectId, keysOf(candidates));
    const { winners, losers, full } = sortOut(candidates, { neighbours, held }, 1);
    if (winners[0] !== undefined) return winners[0];
    await this.park(projectId, losers);
    await this.parkForKeys(projectId, full);
    await this.offerKeys(projectId, keysOf(losers.map(({ applicant }) => applicant)));
    return undefined;
  }

  private async park(
    projectId: string,
    losers: readonly (Loser & { readonly applicant: Candidate })[],
  ): Promise<void> {
    const before = await findOwnWaits(
      this.db,
      losers.map(({ applicant }) => applicant.seq),
    );
    const freed: Use[] = [];
    for (const loser of losers) {
      const { applicant } = loser;
      const own = before.get(applicant.seq);
      freed.push(...(this.moved.get(applicant.seq)?.uses ?? own?.uses ?? []));
      this.gone.set(applicant.seq, applicant);
      this.stand(projectId, applicant, 'parked', reservedBy(loser, (own?.losses ?? 0) + 1));
    }
    if (freed.length > 0) await this.offer(projectId, freed);
  }

  private async parkForKeys(projectId: string, full: readonly Candidate[]): Promise<void> {
    const before = await findOwnWaits(
      this.db,
      full.map(({ seq }) => seq),
    );
    const freed: Use[] = [];
    for (const candidate of full) {
      freed.push(...(this.moved.get(candidate.seq)?.uses ?? before.get(candidate.seq)?.uses ?? []));
      this.gone.set(candidate.seq, candidate);
      this.moved.set(candidate.seq, { projectId, uses: [] });
    }
    if (freed.length > 0) await this.offer(projectId, freed);
  }

  /** Who would wake because losers are no longer runnable, and took no place of their keys. */
  private async offerKeys(projectId: string, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const held = await countHeld(this.db, projectId, keys);
    const moved = [...this.gone.keys(), ...this.added.keys()];
    const contenders = await findContenders(this.db, projectId, { keys, held }, moved);
    for (const { seq, lane, rank, concurrency, projectId: project } of this.added.values()) {
      if (concurrency === null || project !== projectId || this.gone.has(seq)) continue;
      if (keys.includes(concurrency.key))
        contenders.push({ ...concurrency, seq, lane, rank, isParked: false });
    }
    await this.add(wakeableForKeys(contenders, held));
  }

  /** Who would wake because losers no longer reserve what they did. */
  private async offer(projectId: string, freed: readonly Use[]): Promise<void> {
    const found = await findWaiters(this.db, projectId, freed, [...this.moved.keys()]);
    const waiters = found.filter(({ reserved }) =>
      reserved.some((use) => freed.some((one) => overlaps(use.pattern, one.pattern))),
    );
    const neighbours = await this.neighbours(
      projectId,
      waiters.flatMap(({ reserved }) => reserved),
    );
    const woken = wakeable(waiters, neighbours);
    for (const waiter of woken) this.stand(projectId, waiter, 'awake', waiter.reserved);
    await this.add(woken.map(({ seq }) => seq));
  }

  private stand(
    projectId: string,
    { seq: taskSeq, lane, rank }: Pick<Candidate, 'seq' | 'lane' | 'rank'>,
    standing: Neighbour['standing'],
    uses: readonly Use[],
  ): void {
    const entries = uses.map(({ pattern, mode }) => ({ pattern, mode, taskSeq, lane, rank, standing }));
    this.moved.set(taskSeq, { projectId, uses: entries });
  }

  private async neighbours(projectId: string, uses: readonly Use[]): Promise<Neighbour[]> {
    const stored = await findNeighbours(this.db, projectId, uses, [...this.moved.keys()]);
    const moved = [...this.moved.values()].filter((entry) => entry.projectId === projectId);
    return [...stored, ...moved.flatMap((entry) => entry.uses)];
  }

  private async add(seqs: readonly number[]): Promise<boolean> {
    const eligible = await eligibleAmong(this.db, this.claimer, seqs);
    for (const candidate of eligible) this.added.set(candidate.seq, candidate);
    return eligible.length > 0;
  }
}
