import { type LogEntry } from '../../contracts/skyclaw.js';
import { type Db } from '../../platform/database/database.js';
import {
  flag,
  instant,
  type Instant,
  integer,
  onlyRow,
  type Row,
  text,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';
import { type Subject } from './domain/subject.js';

/** What an entry weighs at least, in bytes: its row costs more than its text when that is short. */
const LEAST_WEIGHT = 32;
/** Text of one page, in bytes, so that a page of long entries stays small. */
const PAGE_BYTES = 1_048_576;

/** Stands at the end of what is kept when a job prints more. */
const CUT_MARK = '\n[output truncated]\n';

/** One life of one process that prints: of a job an attempt, of a service a replica and how often it was started. */
export interface Printer {
  readonly hostId: string;
  readonly generation: number;
  readonly slot: number;
  readonly attempt: number;
}

/** What an append has led to. */
export interface Appended {
  /** The highest `seq` of the printer that is kept; 0 when none is. */
  readonly lastSeq: number;
  /** Something of the output is missing. */
  readonly isCut: boolean;
}

/**
 * The row of the output, locked. Missing when it has changed since the statement began: what the statement sees would be
 * out of date. $1 and $2 are kind and id.
 */
const OUTPUT = `output as materialized (
     select o.last_position, o.bytes, o.is_cut
     from outputs o join outputs old on old.kind = o.kind and old.subject_id = o.subject_id
     where o.kind = $1::text and o.subject_id = $2::text and o.last_position = old.last_position
     for no key update of o
   )`;

/** The entries of the call, each `seq` once. */
const OFFERED = `(
       select distinct on (n.seq) n.seq, n.stream, n.text, greatest(${LEAST_WEIGHT}, octet_length(n.text)) as weight
       from unnest($7::integer[], $8::text[], $9::text[]) n(seq, stream, text) order by n.seq
     )`;

const OF_PRINTER = `e.kind = $1::text and e.subject_id = $2::text and e.host_id = $3::text
         and e.generation = $4::integer and e.slot = $5::integer and e.attempt = $6::integer`;
const LAST_SEQ = `(select max(e.seq) from output_entries e where ${OF_PRINTER})`;

const INSERT = `insert into output_entries
       (kind, subject_id, host_id, generation, slot, attempt, position, seq, stream, text, ends_at)
     select $1::text, $2::text, $3::text, $4::integer, $5::integer, $6::integer, o.last_position + f.nth, f.seq, f.stream`;

const FITS_BEGINNING = 'f.ends_at - f.weight <= $10::bigint';
const ROOM = '($10::bigint - f.ends_at + f.weight)::integer';

// A probe for each entry of the call: left to itself PostgreSQL may read all that the attempt has printed.
const APPEND_TO_JOB = statement(
  'logs.appendToJob',
  `with ${OUTPUT}, fresh as materialized (
     select f.*, row_number() over (order by f.seq) as nth, o.bytes + sum(f.weight) over (order by f.seq) as ends_at
     from output o cross join ${OFFERED} f cross join lateral (
       select exists (select from output_entries e where ${OF_PRINTER} and e.seq = f.seq) as is_known offset 0
     ) k
     where not o.is_cut and not k.is_known
   ), added as (
     ${INSERT},
       case when f.ends_at <= $10::bigint then f.text
         else left(f.text, case when octet_length(f.text) = length(f.text) then ${ROOM} else ${ROOM} / 4 end) || $11::text end,
       null::bigint
     from output o cross join fresh f where ${FITS_BEGINNING}
   ), kept as (
     select count(*) as entries, max(f.ends_at) as bytes, max(f.seq) as last_seq, bool_or(f.ends_at > $10::bigint) as is_cut
     from fresh f where ${FITS_BEGINNING}
   ), noted as (
     update outputs o set last_position = o.last_position + k.entries, bytes = k.bytes, is_cut = k.is_cut
     from kept k where o.kind = $1::text and o.subject_id = $2::text and k.entries > 0
   )
   select coalesce(greatest(${LAST_SEQ}, k.last_seq), 0) as last_seq, o.is_cut or coalesce(k.is_cut, false) as is_cut,
     k.entries as added
   from output o cross join kept k`,
  { plan: 'once' },
);

const APPEND_TO_SERVICE = statement(
  'logs.appendToService',
  `with ${OUTPUT}, ring as materialized (
     select coalesce(max(e.ends_at), 0) as bytes
     from output_entries e where e.subject_id = $2::text and e.host_id = $3::text and e.ends_at is not null
   ), fresh as materialized (
     select f.*, row_number() over (order by f.seq) as nth, r.bytes + sum(f.weight) over (order by f.seq) as ends_at
     from output o cross join ring r cross join ${OFFERED} f where f.seq > coalesce(${LAST_SEQ}, 0)
   ), whole as materialized (
     select count(*) as entries, max(f.ends_at) as bytes, max(f.seq) as last_seq from fresh f
   ), added as (
     ${INSERT}, f.text, f.ends_at
     from output o cross join whole w cross join fresh f where f.ends_at > w.bytes - $10::bigint or f.seq = w.last_seq
   ), dropped as (
     delete from output_entries e using whole w
     where e.subject_id = $2::text and e.host_id = $3::text and e.ends_at <= w.bytes - $10::bigint
   ), noted as (
     update outputs o set last_position = o.last_position + w.entries,
       is_cut = o.is_cut or w.bytes > $10::bigint
     from whole w where o.kind = $1::text and o.subject_id = $2::text and w.entries > 0
   )
   select coalesce(greatest(${LAST_SEQ}, w.last_seq), 0) as last_seq, false as is_cut, w.entries as added
   from output o cross join whole w`,
  { plan: 'once' },
);

/** The texts of the appends, for those who want to see their plans. */
export const APPEND_SQL = { job: APPEND_TO_JOB.text, service: APPEND_TO_SERVICE.text } as const;

const BEGIN = statement(
  'logs.beginOutput',
  'insert into outputs (kind, subject_id) values ($1, $2) on conflict do nothing',
);

/** Makes an output, unless it is there. */
export async function beginOutput(db: Db, { kind, id }: Subject): Promise<void> {
  await db.query(BEGIN, [kind, id]);
}

/**
 * Adds what is not there yet, up to `maxBytes` in all of a job, and of a service's output the newest of that size of each
 * host. Null when somebody else has added to it since the statement began, or there is no such output: nothing is added.
 */
export async function appendEntries(
  db: Db,
  { kind, id }: Subject,
  { hostId, generation, slot, attempt }: Printer,
  entries: readonly LogEntry[],
  maxBytes: number,
): Promise<(Appended & { readonly added: number }) | null> {
  const values = [
    ...[kind, id, hostId, generation, slot, attempt],
    ...[
      entries.map(({ seq }) => seq),
      entries.map(({ stream }) => stream),
      entries.map((entry) => entry.text),
    ],
    maxBytes,
  ];
  const [row] =
    kind === 'job'
      ? await db.query(APPEND_TO_JOB, [...values, CUT_MARK])
      : await db.query(APPEND_TO_SERVICE, values);
  if (row === undefined) return null;
  return { lastSeq: integer(row, 'last_seq'), isCut: flag(row, 'is_cut'), added: integer(row, 'added') };
}

/** An entry as it is kept. */
export interface KeptEntry extends LogEntry {
  readonly position: number;
  readonly hostId: string;
  readonly slot: number;
  readonly attempt: number;
  readonly at: Instant;
}

const entryFromRow = (row: Row): KeptEntry => ({
  position: integer(row, 'position'),
  hostId: text(row, 'host_id'),
  slot: integer(row, 'slot'),
  attempt: integer(row, 'attempt'),
  seq: integer(row, 'seq'),
  stream: text(row, 'stream') as LogEntry['stream'],
  text: text(row, 'text'),
  at: instant(row, 'at'),
});

const LIST = statement(
  'logs.listEntries',
  `select p.* from (
     select e.position, e.host_id, e.slot, e.attempt, e.seq, e.stream, e.text, e.at,
       sum(octet_length(e.text)) over (order by e.position) - octet_length(e.text) as before
     from output_entries e where e.kind = $1 and e.subject_id = $2 and e.position > $3
     order by e.position limit $4
   ) p where p.before < ${PAGE_BYTES} order by p.position`,
);

/** Up to `limit` entries behind a position, and no more than about a mebibyte of text; at least one where there is one. */
export async function listEntries(
  db: Db,
  { kind, id }: Subject,
  after: number,
  limit: number,
): Promise<KeptEntry[]> {
  return (await db.query(LIST, [kind, id, after, limit])).map(entryFromRow);
}

const HEAD = `coalesce(o.last_position, 0) as last_position, coalesce(o.is_cut, false) as is_cut`;

const FIND_HEAD = statement(
  'logs.findHead',
  `select ${HEAD} from (select $1::text as kind, $2::text as id) s
   left join outputs o on o.kind = s.kind and o.subject_id = s.id`,
);

/** Where an output ends now. */
export interface OutputHead {
  readonly lastPosition: number;
  readonly isCut: boolean;
}

const headFromRow = (row: Row): OutputHead => ({
  lastPosition: integer(row, 'last_position'),
  isCut: flag(row, 'is_cut'),
});

export async function findHead(db: Db, { kind, id }: Subject): Promise<OutputHead> {
  return headFromRow(onlyRow(await db.query(FIND_HEAD, [kind, id])));
}

const LAST_POSITIONS = statement(
  'logs.lastPositions',
  `select s.kind, s.id, coalesce(o.last_position, 0) as last_position
   from unnest($1::text[], $2::text[]) s(kind, id) left join outputs o on o.kind = s.kind and o.subject_id = s.id`,
);

/** The last position of each of some outputs, in no order; 0 of one that is empty. */
export async function lastPositions(
  db: Db,
  subjects: readonly Subject[],
): Promise<{ readonly subject: Subject; readonly position: number }[]> {
  const rows = await db.query(LAST_POSITIONS, [
    subjects.map(({ kind }) => kind),
    subjects.map(({ id }) => id),
  ]);
  return rows.map((row) => ({
    subject: { kind: text(row, 'kind') as Subject['kind'], id: text(row, 'id') },
    position: integer(row, 'last_position'),
  }));
}

const HAS_SHIPPED = statement(
  'logs.hasShipped',
  `select exists (
     select from output_entries e
     where e.kind = 'job' and e.subject_id = $1 and e.host_id = $2 and e.generation = 0 and e.slot = 0 and e.attempt = $3
   ) as has_shipped`,
);

/** Whether anything is kept of an attempt of a job. */
export async function hasShipped(
  db: Db,
  jobId: string,
  { hostId, attempt }: Pick<Printer, 'hostId' | 'attempt'>,
): Promise<boolean> {
  return flag(onlyRow(await db.query(HAS_SHIPPED, [jobId, hostId, attempt])), 'has_shipped');
}
