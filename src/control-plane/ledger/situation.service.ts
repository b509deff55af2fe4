import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { exclude, type Use } from './domain/use-index.js';
import { GATE } from './domain/gate.js';
import { type WantedFile } from './domain/wanted-files.js';
import { type Pause } from './domain/pause.js';
import { findOwnWaits, type OwnWaits } from './queries/file.queries.js';
import { findPausesOf } from './queries/pause.queries.js';
import { findKeySituation, type KeySituation } from './queries/key-situation.queries.js';
import * as queries from './queries/situation.queries.js';
import {
  type OwnedFile,
  type Relative,
  type Rival,
  type Rivals,
  type TaskFacts,
} from './queries/situation.queries.js';

const NOBODY: Rivals = { rivals: [], areCut: false };

/** One of a task's files that it cannot have now. */
export interface BlockedFile {
  readonly file: WantedFile;
  /** Who owns it or a part of it. */
  readonly owners: readonly OwnedFile[];
  /** Who waits for it or a part of it and comes first. */
  readonly ahead: readonly Rival[];
  /** Whether there may be more of them. */
  readonly areMoreAhead: boolean;
}

/** A task, and what the ledger knows to be in its way. */
export interface Situation {
  readonly task: TaskFacts;
  /** What keeps it back by an operator's word: pauses of the queue and of its project. */
  readonly pauses: readonly Pause[];
  /** Dependencies that have not succeeded, the first of them. */
  readonly parents: readonly Relative[];
  /** The dependency that it failed because of, and what that failed because of. */
  readonly blame: readonly Relative[];
  readonly files: readonly BlockedFile[];
  /** Its place in the queue for files; null when it has not been put there. */
  readonly waits: OwnWaits | null;
  /** How it stands to others of its concurrency key; null when it has none, or no longer waits. */
  readonly key: KeySituation | null;
  /** Ready tasks of its lane and project that come before it, as many as are counted. */
  readonly ahead: readonly string[];
}

/** Everything that the ledger has to say on why one task is not running. Nothing here changes anything. */
@Injectable()
export class Situations {
  constructor(private readonly database: Database) {}

  async of(id: string): Promise<Situation | null> {
    const db = this.database;
    const task = await queries.findTaskFacts(db, id);
    if (task === null) return null;
    const isWaiting = task.gate !== null && task.gate < GATE.held;
    if (!isWaiting) {
      const blame = task.gate === GATE.failed ? await queries.findBlame(db, task.seq) : [];
      return { task, pauses: [], parents: [], blame, files: [], waits: null, key: null, ahead: [] };
    }
    const hasFiles = task.files.length > 0;
    const isReady = task.gate === GATE.runnable || task.gate === GATE.waitsForTime;
    const [pauses, parents, owners, rivals, waits, key, ahead] = await Promise.all([
      findPausesOf(db, [task.projectId]),
      task.gate === GATE.waitsForDependencies ? queries.findUnfinishedParents(db, task.seq) : [],
      hasFiles ? queries.findOwners(db, task) : [],
      hasFiles ? queries.findRivals(db, task) : NOBODY,
      hasFiles ? findOwnWaits(db, [task.seq]) : new Map<number, OwnWaits>(),
      task.concurrency === null ? null : findKeySituation(db, task, task.concurrency),
      isReady && !task.isResting ? queries.findAheadInLane(db, task) : [],
    ]);
    return {
      task,
      pauses,
      parents,
      blame: [],
      files: blockedFiles(task.files, owners, rivals),
      waits: waits.get(task.seq) ?? null,
      key,
      ahead,
    };
  }
}

function blockedFiles(
  files: readonly WantedFile[],
  owners: readonly OwnedFile[],
  { rivals, areCut }: Rivals,
): BlockedFile[] {
  const inTheWay = <T extends Use>(file: WantedFile, uses: readonly T[]) =>
    uses.filter((use) => exclude(file, use));
  return files
    .map((file) => {
      const ahead = inTheWay(file, rivals);
      const areMoreAhead = areCut || ahead.length >= queries.BOUNDS.ahead;
      return { file, owners: inTheWay(file, owners), ahead, areMoreAhead };
    })
    .filter(({ owners: own, ahead }) => own.length > 0 || ahead.length > 0);
}
