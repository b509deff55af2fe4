import { type Db } from '../../../platform/database/database.js';
import { instant, type Instant, integer, text, textOrNull } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { type Use } from '../domain/use-index.js';
import { type FileMode, storedPattern } from '../domain/wanted-files.js';
import { modeOf, spansOf } from './file.queries.js';

const LIST_OWNERSHIP = statement(
  'ledger.listOwnership',
  `select f.project_id, f.path, f.mode, f.file_path, f.claimed_at, f.task_seq, t.id, t.claim_token, t.locked_by,
     t.lease_expires_at
   from file_locks f join tasks t on t.seq = f.task_seq
   where (f.project_id, f.path, f.task_seq) > ($1, $2, $3) and ($4::text is null or f.project_id = $4)
   order by f.project_id, f.path, f.task_seq limit $5`,
);

export interface Ownership {
  readonly projectId: string;
  readonly path: string;
  readonly mode: FileMode;
  readonly fileName: string;
  readonly taskSeq: number;
  readonly taskId: string;
  readonly claimToken: string | null;
  readonly claimedAt: Instant;
  readonly holder: string | null;
  readonly leaseExpiresAt: Instant | null;
}

/** Owned files by project and path, after a position. */
export async function listOwnership(
  db: Db,
  after: Pick<Ownership, 'projectId' | 'path' | 'taskSeq'>,
  projectId: string | null,
  limit: number,
): Promise<Ownership[]> {
  const rows = await db.query(LIST_OWNERSHIP, [after.projectId, after.path, after.taskSeq, projectId, limit]);
  return rows.map((row) => ({
    projectId: text(row, 'project_id'),
    path: text(row, 'path'),
    mode: modeOf(row),
    fileName: text(row, 'file_path'),
    taskSeq: integer(row, 'task_seq'),
    taskId: text(row, 'id'),
    claimToken: textOrNull(row, 'claim_token'),
    claimedAt: instant(row, 'claimed_at'),
    holder: textOrNull(row, 'locked_by'),
    leaseExpiresAt: textOrNull(row, 'lease_expires_at'),
  }));
}

const LIST_WAITERS = statement(
  'ledger.listWaiters',
  `select w.project_id, w.path, w.mode, t.priority, w.task_seq, w.parked_at, w.losses, w.woken_at is not null as awake, t.id
   from file_waits w join tasks t on t.seq = w.task_seq
   where (w.task_seq, w.path) > ($1, $2) and ($3::text is null or w.project_id = $3)
   order by w.task_seq, w.path limit $4`,
);

export interface FileWait {
  readonly projectId: string;
  readonly path: string;
  readonly mode: FileMode;
  readonly priority: number;
  readonly taskSeq: number;
  readonly taskId: string;
  readonly parkedAt: Instant;
  readonly losses: number;
  readonly awake: boolean;
}

/** What tasks wait for, by task in the order of arrival, after a position. */
export async function listWaiters(
  db: Db,
  after: Pick<FileWait, 'taskSeq' | 'path'>,
  projectId: string | null,
  limit: number,
): Promise<FileWait[]> {
  const rows = await db.query(LIST_WAITERS, [after.taskSeq, after.path, projectId, limit]);
  return rows.map((row) => ({
    projectId: text(row, 'project_id'),
    path: text(row, 'path'),
    mode: modeOf(row),
    priority: integer(row, 'priority'),
    taskSeq: integer(row, 'task_seq'),
    taskId: text(row, 'id'),
    parkedAt: instant(row, 'parked_at'),
    losses: integer(row, 'losses'),
    awake: row['awake'] === true,
  }));
}

const QUEUE = statement(
  'ledger.fileQueue',
  `select distinct w.task_seq, w.path, w.mode, w.rank, t.id
   from unnest($2::text[], $3::text[]) s(lo, hi)
   join file_waits w on w.project_id = $1 and w.prefix >= s.lo and w.prefix < s.hi
   join tasks t on t.seq = w.task_seq
   order by w.rank, w.task_seq limit $4`,
);

/** Tasks that wait for what may overlap one of the uses, those who come first in front. */
export async function findQueue(
  db: Db,
  projectId: string,
  uses: readonly Use[],
  limit: number,
): Promise<(Use & { readonly taskId: string })[]> {
  const { from, to } = spansOf(uses);
  const rows = await db.query(QUEUE, [projectId, from, to, limit]);
  return rows.map((row) => ({
    taskId: text(row, 'id'),
    pattern: storedPattern(text(row, 'path')),
    mode: modeOf(row),
  }));
}
