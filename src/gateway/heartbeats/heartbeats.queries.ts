import { type Db } from '../../platform/database/database.js';
import {
  type Instant,
  instant,
  instantOrNull,
  integer,
  text,
  textOrNull,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

const milliseconds = (parameter: string) => `${parameter}::double precision * interval '1 millisecond'`;

const ADD = statement(
  'heartbeats.add',
  `insert into gateway.heartbeats (name, due_at) select n.name, now() + ${milliseconds('$2')}
   from unnest($1::text[]) as n (name) on conflict (name) do nothing`,
);

/** Makes jobs known that are not yet, due after `firstAfterMs`. */
export async function addHeartbeats(db: Db, names: readonly string[], firstAfterMs: number): Promise<void> {
  await db.query(ADD, [names, firstAfterMs]);
}

/** The proof that a job is done by whoever has it. */
export interface HeldJob {
  readonly name: string;
  readonly holder: string;
}

const CLAIM = statement(
  'heartbeats.claim',
  `with due as (
     select h.name from gateway.heartbeats h
     where h.name = any($1::text[]) and h.due_at <= now() and (h.held_until is null or h.held_until < now())
     for update skip locked)
   update gateway.heartbeats h set holder = gen_random_uuid()::text, gateway = $2, started_at = now(),
     held_until = now() + ${milliseconds('$3')}
   from due where h.name = due.name returning h.name, h.holder`,
);

/** Takes the jobs that are due and that nobody does. Those of others are skipped, never awaited. */
export async function claimDue(
  db: Db,
  names: readonly string[],
  gateway: string,
  leaseMs: number,
): Promise<HeldJob[]> {
  return (await db.query(CLAIM, [names, gateway, leaseMs])).map((row) => ({
    name: text(row, 'name'),
    holder: text(row, 'holder'),
  }));
}

const RENEW = statement(
  'heartbeats.renew',
  `update gateway.heartbeats h set held_until = now() + ${milliseconds('$2')}
   where h.holder = any($1::text[]) returning h.holder`,
);

/** Goes on holding. Returns the holders that still hold; the others have lost their job. */
export async function renewHeld(
  db: Db,
  holders: readonly string[],
  leaseMs: number,
): Promise<ReadonlySet<string>> {
  return new Set((await db.query(RENEW, [holders, leaseMs])).map((row) => text(row, 'holder')));
}

const FINISH = statement(
  'heartbeats.finish',
  `update gateway.heartbeats h set holder = null, held_until = null, ended_at = now(), outcome = $2::text, message = $3,
     runs = h.runs + 1,
     due_at = case when $2::text = 'failed' then now() else h.started_at end + ${milliseconds('$4')}
   where h.holder = $1 returning h.name`,
);

export interface Finish {
  readonly outcome: 'succeeded' | 'skipped' | 'failed';
  readonly message: string;
  /** When it is due again: so long after its beginning, or after its end if it failed. */
  readonly nextAfterMs: number;
}

/** Ends a job. False, and nothing happens, when it is held no longer. */
export async function finishJob(
  db: Db,
  { holder }: HeldJob,
  { outcome, message, nextAfterMs }: Finish,
): Promise<boolean> {
  return (await db.query(FINISH, [holder, outcome, message, nextAfterMs])).length > 0;
}

const RELEASE = statement(
  'heartbeats.release',
  'update gateway.heartbeats h set holder = null, held_until = null where h.holder = $1',
);

/** Leaves a job to others, at once. */
export async function releaseJob(db: Db, { holder }: HeldJob): Promise<void> {
  await db.query(RELEASE, [holder]);
}

/** A job as it is stored. */
export interface StoredHeartbeat {
  readonly name: string;
  readonly dueAt: Instant;
  /** Whether somebody does it now. */
  readonly isRunning: boolean;
  /** The gateway that does it, or did it last. */
  readonly gateway: string | null;
  readonly startedAt: Instant | null;
  readonly endedAt: Instant | null;
  readonly outcome: string | null;
  readonly message: string;
  readonly runs: number;
}

const LIST = statement(
  'heartbeats.list',
  `select h.name, h.due_at, coalesce(h.held_until > now(), false) as running, h.gateway, h.started_at, h.ended_at,
     h.outcome, h.message, h.runs
   from gateway.heartbeats h where h.name = any($1::text[]) order by array_position($1::text[], h.name)`,
);

/** The jobs of these names, in their order. */
export async function listHeartbeats(db: Db, names: readonly string[]): Promise<StoredHeartbeat[]> {
  return (await db.query(LIST, [names])).map((row) => ({
    name: text(row, 'name'),
    dueAt: instant(row, 'due_at'),
    isRunning: row['running'] === true,
    gateway: textOrNull(row, 'gateway'),
    startedAt: instantOrNull(row, 'started_at'),
    endedAt: instantOrNull(row, 'ended_at'),
    outcome: textOrNull(row, 'outcome'),
    message: text(row, 'message'),
    runs: integer(row, 'runs'),
  }));
}
