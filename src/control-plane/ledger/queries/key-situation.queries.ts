import { type Db } from '../../../platform/database/database.js';
import { instantOrNull, type Instant, text, textOrNull } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { type Concurrency } from '../domain/concurrency.js';
import { GATE } from '../domain/gate.js';
import { countHeld } from './key.queries.js';
import { BOUNDS, type TaskFacts } from './situation.queries.js';

/** Holders of a key that are named. */
const NAMED_HOLDERS = 5;

const HOLDERS = statement(
  'ledger.holdersOfKey',
  `select t.id, t.locked_by, t.locked_at, t.lease_expires_at
   from concurrency_holds h join tasks t on t.seq = h.task_seq
   where h.project_id = $1 and h.key = $2 order by h.task_seq limit ${NAMED_HOLDERS}`,
);

/** A task that has a place of a key. */
export interface KeyHolder {
  readonly taskId: string;
  readonly lockedBy: string | null;
  readonly since: Instant | null;
  readonly leaseExpiresAt: Instant | null;
}

const alike = (gate: number) => `
     (select t.id, t.seq, t.rank from tasks t
      where t.gate = ${gate} and t.project_id = $1 and t.concurrency_key = $2 and t.concurrency_limit = $3 and t.lane = $4
      order by t.rank, t.seq limit ${BOUNDS.ahead})`;

// From the head on, as for the tasks ahead in a lane.
const AHEAD_FOR_KEY = statement(
  'ledger.aheadForKey',
  `select a.id from (${alike(GATE.waitsForKey)} union all ${alike(GATE.runnable)}) a
   where (a.rank, a.seq) < ($5, $6) order by a.rank, a.seq limit ${BOUNDS.ahead}`,
);

/** How a task stands to others of its concurrency key. */
export interface KeySituation extends Concurrency {
  /** Tasks of the key that are held, whatever their limits. */
  readonly held: number;
  /** The first of them. */
  readonly holders: readonly KeyHolder[];
  /** Tasks of its lane, with its limit, that want a place and come before it, as many as are counted. */
  readonly ahead: readonly string[];
}

export async function findKeySituation(
  db: Db,
  { seq, projectId, lane, rank }: Pick<TaskFacts, 'seq' | 'projectId' | 'lane' | 'rank'>,
  { key, limit }: Concurrency,
): Promise<KeySituation> {
  const [held, holders, ahead] = await Promise.all([
    countHeld(db, projectId, [key]),
    db.query(HOLDERS, [projectId, key]),
    db.query(AHEAD_FOR_KEY, [projectId, key, limit, lane, rank, seq]),
  ]);
  return {
    key,
    limit,
    held: held.get(key) ?? 0,
    holders: holders.map((row) => ({
      taskId: text(row, 'id'),
      lockedBy: textOrNull(row, 'locked_by'),
      since: instantOrNull(row, 'locked_at'),
      leaseExpiresAt: instantOrNull(row, 'lease_expires_at'),
    })),
    ahead: ahead.map((row) => text(row, 'id')),
  };
}

/** The texts of the statements above, for those who want to see their plans. */
export const KEY_SITUATION_SQL = { HOLDERS, AHEAD_FOR_KEY } as const;
