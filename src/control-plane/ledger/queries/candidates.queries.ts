import { type Db, type Tx } from '../../../platform/database/database.js';
import { flag, integer, type Row, text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { type Applicant } from '../domain/admission.js';
import { GATE } from '../domain/gate.js';
import { type Claimer, onlyProjectOf } from '../domain/task.js';
import {
  ASKED_ABOUT,
  CLAIMER,
  type ClaimStart,
  ELIGIBLE_LANES,
  lanesOf,
  marksOf,
  ofOneProject,
  turnsOfProject,
  MAY_TAKE,
  projectsInTurn,
  type Turns,
  turnsFromMarks,
  turnsOf,
} from './discovery.js';
import { IS_ALL_PAUSED, isPausedProject, PAUSED } from './pause.queries.js';
import { concurrencyFromRow, wantedFromRow } from './task-row.js';

/** Of a ready task what decides whether it may start. */
export const APPLICANT = `t.seq, t.project_id, t.lane, t.rank, t.file_paths, t.required_files, t.file_modes, t.concurrency_key,
   t.concurrency_limit`;

/** The first tasks of a project in some lanes, in the order of service; none while it is paused. */
const ofProject = (lanes: string, project: string, limit: string, lock: string, begin = '') => `
   candidates as materialized (
     select c.* from ${lanes}
     cross join lateral (
       select ${APPLICANT} from tasks t
       where t.gate = ${GATE.runnable} and t.lane = e.lane and t.project_id = ${project} ${begin}
       order by t.rank, t.seq limit ${limit}
       ${lock}
     ) c
     where not ${isPausedProject(project)}
     order by c.rank, c.seq limit ${limit}
   )`;

const lockFrom = (name: string, discovery: string, begin = '') =>
  statement(
    name,
    `with recursive ${discovery}, ${ofProject(
      '(select p.* from turns p where p.nth > 0 and p.project_id = $7::text) e',
      '$7::text',
      '$8::bigint',
      'for no key update skip locked',
      begin,
    )}
   select * from candidates c order by c.rank, c.seq`,
    { plan: 'once' },
  );

const LOCK_CANDIDATES = lockFrom(
  'ledger.lockCandidates',
  `${ELIGIBLE_LANES}, ${projectsInTurn('$9::integer')}`,
);
const LOCK_FROM_MARKS = lockFrom(
  'ledger.lockCandidatesFromMarks',
  turnsFromMarks('$9::integer'),
  'and (t.rank, t.seq) > (e.rank, e.seq)',
);

const LOCK_OF_PROJECT = lockFrom(
  'ledger.lockCandidatesOfProject',
  `${ELIGIBLE_LANES}, ${ofOneProject('$9::integer')}`,
);

/** The texts, for those who want to see their plans. */
export const LOCK_CANDIDATES_SQL = LOCK_CANDIDATES.text;
export const LOCK_FROM_MARKS_SQL = LOCK_FROM_MARKS.text;

export interface Candidate extends Applicant {
  readonly projectId: string;
}

/**
 * Locks the next `limit` ready tasks of a project in the order of service, whether or not they need files or a key: those
 * of the lanes in which it is among the next `projects`, so that no other project loses its turn. With `marks` only what
 * comes behind them.
 */
export async function lockCandidates(
  tx: Tx,
  claimer: Claimer,
  {
    projectId,
    limit,
    turns,
    projects,
    marks,
  }: Omit<ClaimStart, 'sole'> & { readonly projectId: string; readonly limit: number },
): Promise<Candidate[]> {
  const only = onlyProjectOf(claimer);
  const given = only === null ? turns : turnsOfProject(only);
  const values = [...lanesOf(claimer), ...turnsOf(given), projectId, limit, projects];
  if (only !== null) return (await tx.query(LOCK_OF_PROJECT, values)).map(candidateFromRow);
  const rows =
    marks === null
      ? await tx.query(LOCK_CANDIDATES, values)
      : await tx.query(LOCK_FROM_MARKS, [...values, ...marksOf(marks)]);
  return rows.map(candidateFromRow);
}

const FIND_CANDIDATES = statement(
  'ledger.findCandidates',
  `select ${APPLICANT} from tasks t where t.seq = any($1::bigint[]) order by t.rank, t.seq`,
  { plan: 'once' },
);

/** Tasks as applicants for their files and keys, in the order of service. */
export async function findCandidates(db: Db, seqs: readonly number[]): Promise<Candidate[]> {
  return (await db.query(FIND_CANDIDATES, [seqs])).map(candidateFromRow);
}

function candidateFromRow(row: Row): Candidate {
  return {
    seq: integer(row, 'seq'),
    projectId: text(row, 'project_id'),
    lane: text(row, 'lane'),
    rank: integer(row, 'rank'),
    files: wantedFromRow(row),
    concurrency: concurrencyFromRow(row),
  };
}

const READY_EXISTS = statement(
  'ledger.readyExists',
  `with recursive ${ELIGIBLE_LANES}, ${projectsInTurn('1')} select exists (select from turns p where p.nth > 0) as ready`,
  { plan: 'once' },
);

const READY_EXISTS_OF_PROJECT = statement(
  'ledger.readyExistsOfProject',
  `with recursive ${ELIGIBLE_LANES}, ${ofOneProject()} select exists (select from turns) as ready`,
  { plan: 'once' },
);

/** Whether a claim could find something: tells an empty ledger from one whose ready tasks others were just looking at. */
export async function readyExists(db: Db, claimer: Claimer): Promise<boolean> {
  const only = onlyProjectOf(claimer);
  const [row] =
    only === null
      ? await db.query(READY_EXISTS, [...lanesOf(claimer), ...turnsOf(new Map())])
      : await db.query(READY_EXISTS_OF_PROJECT, [...lanesOf(claimer), ...turnsOf(turnsOfProject(only))]);
  return row?.['ready'] === true;
}

const peekHeadsFrom = (name: string, turns: string) =>
  statement(
    name,
    `with recursive ${ELIGIBLE_LANES}, ${turns}
   select p.lane, p.project_id, head.* from turns p cross join lateral (
     select t.rank, t.seq, cardinality(t.file_paths) > 0 or t.concurrency_key is not null as has_holdings from tasks t
     where t.gate = ${GATE.runnable} and t.lane = p.lane and t.project_id = p.project_id and t.seq <> all($7::bigint[])
     order by t.rank, t.seq limit 1
   ) head where p.nth > 0`,
  );
const PEEK_HEADS = peekHeadsFrom('ledger.peekHeads', projectsInTurn('$8::integer'));
const PEEK_HEADS_OF_PROJECT = peekHeadsFrom('ledger.peekHeadsOfProject', ofOneProject('$8::integer'));

/** The first task of a project in a lane. */
export interface Head {
  readonly lane: string;
  readonly projectId: string;
  readonly rank: number;
  readonly seq: number;
  /** Whether it is claimed under its project's lock. */
  readonly hasHoldings: boolean;
}

/** The heads of the projects whose turn is next in each eligible lane, `many` of them, as if the tasks `without` were not there. */
export async function peekHeads(
  db: Db,
  claimer: Claimer,
  turns: Turns,
  { without, many }: { readonly without: readonly number[]; readonly many: number },
): Promise<Head[]> {
  const only = onlyProjectOf(claimer);
  const given = only === null ? turns : turnsOfProject(only);
  const rows = await db.query(only === null ? PEEK_HEADS : PEEK_HEADS_OF_PROJECT, [
    ...[...lanesOf(claimer), ...turnsOf(given), without, many],
  ]);
  return rows.map((row) => ({
    lane: text(row, 'lane'),
    projectId: text(row, 'project_id'),
    rank: integer(row, 'rank'),
    seq: integer(row, 'seq'),
    hasHoldings: flag(row, 'has_holdings'),
  }));
}

const PEEK = statement(
  'ledger.peekCandidates',
  `with recursive ${ELIGIBLE_LANES}, ${ofProject(
    '(select l.lane from eligible l where l.lane = any($7::text[])) e',
    '$5::text',
    '$6::bigint',
    '',
  )}
   select * from candidates c order by c.rank, c.seq`,
);

/** The next `limit` ready tasks of a project in some lanes, without a lock. */
export async function peekCandidates(
  db: Db,
  claimer: Claimer,
  { projectId, lanes }: { readonly projectId: string; readonly lanes: readonly string[] },
  limit: number,
): Promise<Candidate[]> {
  return (await db.query(PEEK, [...lanesOf(claimer), projectId, limit, lanes])).map(candidateFromRow);
}

const ELIGIBLE_AMONG = statement(
  'ledger.eligibleAmong',
  `with ${PAUSED}, ${CLAIMER}
   select ${APPLICANT}
   from tasks t cross join lateral (select ${ASKED_ABOUT}) head
   where t.seq = any($5::bigint[]) and ${MAY_TAKE} and not ${IS_ALL_PAUSED} and not ${isPausedProject('t.project_id')}
   order by t.rank, t.seq`,
);

/** Those of some waiting tasks that the claimer may take, in the order of service. */
export async function eligibleAmong(db: Db, claimer: Claimer, seqs: readonly number[]): Promise<Candidate[]> {
  if (seqs.length === 0) return [];
  const found = (await db.query(ELIGIBLE_AMONG, [...lanesOf(claimer), seqs])).map(candidateFromRow);
  const only = onlyProjectOf(claimer);
  return only === null ? found : found.filter(({ projectId }) => projectId === only);
}
