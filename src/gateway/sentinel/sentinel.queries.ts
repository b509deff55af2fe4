import { type Db, type Tx } from '../../platform/database/database.js';
import {
  flag,
  type Instant,
  instant,
  integer,
  integerOrNull,
  jsonObject,
  onlyRow,
  type Row,
  text,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';
import { type Standing } from './domain/alerting.js';
import { type Component, type Findings } from './domain/component.js';

const PING = statement('sentinel.ping', 'select 1 as ok');

/** Resolves when the database answers. */
export async function ping(db: Db): Promise<void> {
  await db.query(PING);
}

const AGO = `(extract(epoch from clock_timestamp() - c.alerted_at) * 1000)::bigint`;

/** Milliseconds as an interval. */
const milliseconds = (parameter: string) => `${parameter}::double precision * interval '1 millisecond'`;

/** A component as a look finds it written down. */
export interface Noted {
  readonly component: string;
  readonly isDown: boolean;
  /** Whether this gateway has said that it finds it down. */
  readonly isOurs: boolean;
}

const LIST_NOTED = statement(
  'sentinel.listNoted',
  `select c.component, c.is_down, exists (
     select 1 from gateway.sentinel_failures f where f.component = c.component and f.gateway = $1) as is_ours
   from gateway.sentinel_components c`,
);

export async function listNoted(db: Db, gateway: string): Promise<Noted[]> {
  return (await db.query(LIST_NOTED, [gateway])).map((row) => ({
    component: text(row, 'component'),
    isDown: flag(row, 'is_down'),
    isOurs: flag(row, 'is_ours'),
  }));
}

const SEE_FAILURE = statement(
  'sentinel.seeFailure',
  `insert into gateway.sentinel_failures as f (component, gateway, detail) values ($1, $2, $3)
   on conflict (component, gateway) do update set detail = excluded.detail, seen_at = now()`,
);

/** A gateway finds a component down. */
export async function seeFailure(
  db: Db,
  component: Component,
  gateway: string,
  detail: string,
): Promise<void> {
  await db.query(SEE_FAILURE, [component, gateway, detail]);
}

const CLEAR_FAILURE = statement(
  'sentinel.clearFailure',
  `delete from gateway.sentinel_failures f where f.component = $1 and (f.gateway = $2 or f.seen_at < now() - interval '1 day')`,
);

/** A gateway no longer finds a component down. What ended gateways have left behind goes with it. */
export async function clearFailure(db: Db, component: Component, gateway: string): Promise<void> {
  await db.query(CLEAR_FAILURE, [component, gateway]);
}

/** A gateway that finds a component down. */
export interface Failure {
  readonly component: string;
  readonly gateway: string;
  readonly detail: string;
  readonly since: Instant;
}

const LIST_FAILURES = statement(
  'sentinel.listFailures',
  `select f.component, f.gateway, f.detail, f.since from gateway.sentinel_failures f
   where f.seen_at > now() - ${milliseconds('$1')} order by f.component, f.since, f.gateway limit 200`,
);

/** What was found down lately, by whomever. */
export async function listFailures(db: Db, freshMs: number): Promise<Failure[]> {
  return (await db.query(LIST_FAILURES, [freshMs])).map((row) => ({
    component: text(row, 'component'),
    gateway: text(row, 'gateway'),
    detail: text(row, 'detail'),
    since: instant(row, 'since'),
  }));
}

const LOCK_COMPONENT = statement(
  'sentinel.lockComponent',
  `select c.is_down, ${AGO} as alerted_ago from gateway.sentinel_components c where c.component = $1 for update`,
);

/** Nobody else decides about the component until the transaction ends. */
export async function lockComponent(tx: Tx, component: Component): Promise<Standing> {
  const row = onlyRow(await tx.query(LOCK_COMPONENT, [component]));
  return { isDown: flag(row, 'is_down'), alertedAgoMs: integerOrNull(row, 'alerted_ago') };
}

const SET_COMPONENT = statement(
  'sentinel.setComponent',
  `update gateway.sentinel_components c set is_down = $2::boolean,
     alerted_at = case when $2::boolean then clock_timestamp() - ${milliseconds('$3')} else c.alerted_at end
   where c.component = $1`,
);
const ADD_ALERT = statement(
  'sentinel.addAlert',
  `insert into gateway.sentinel_alerts (component, kind, message, told, created_at)
   values ($1, $2, $3, $4, clock_timestamp() - ${milliseconds('$5')})`,
);
const PRUNE_ALERTS = statement(
  'sentinel.pruneAlerts',
  `delete from gateway.sentinel_alerts a where a.id <= (
     select b.id from gateway.sentinel_alerts b order by b.id desc offset 1000 limit 1)`,
);

/** Something to be told of a component. */
export interface NewAlert {
  readonly component: Component;
  readonly kind: 'alert' | 'recovery';
  readonly message: string;
  /** How long ago it was. */
  readonly agoMs?: number;
  /** Whether it need not be told over Telegram any more. */
  readonly told?: boolean;
}

/** Writes an alert or a recovery down; the newest 1000 stay. The caller has locked the component. */
export async function addAlert(
  tx: Tx,
  { component, kind, message, agoMs = 0, told = false }: NewAlert,
): Promise<void> {
  await tx.query(SET_COMPONENT, [component, kind === 'alert', agoMs]);
  await tx.query(ADD_ALERT, [component, kind, message, told, agoMs]);
  await tx.query(PRUNE_ALERTS);
}

const RECOVERED = statement(
  'sentinel.recovered',
  `select count(*) as recoveries from gateway.sentinel_alerts a
   where a.component = $1 and a.kind = 'recovery' and a.created_at > clock_timestamp() - ${milliseconds('$2')}`,
);

/** Whether a recovery of the component was told in the last `withinMs`. */
export async function hasRecovered(tx: Tx, component: Component, withinMs: number): Promise<boolean> {
  return integer(onlyRow(await tx.query(RECOVERED, [component, withinMs])), 'recoveries') > 0;
}

/** An alert or a recovery that was written down. */
export interface Alert {
  readonly id: number;
  readonly component: string;
  readonly kind: string;
  readonly message: string;
  readonly createdAt: Instant;
}

const alertFromRow = (row: Row): Alert => ({
  id: integer(row, 'id'),
  component: text(row, 'component'),
  kind: text(row, 'kind'),
  message: text(row, 'message'),
  createdAt: instant(row, 'created_at'),
});

const ALERT_COLUMNS = 'a.id, a.component, a.kind, a.message, a.created_at';

const LIST_ALERTS = statement(
  'sentinel.listAlerts',
  `select ${ALERT_COLUMNS} from gateway.sentinel_alerts a order by a.id desc limit $1`,
);

/** The latest, newest first. */
export async function listAlerts(db: Db, limit: number): Promise<Alert[]> {
  return (await db.query(LIST_ALERTS, [limit])).map(alertFromRow);
}

const TAKE_UNTOLD = statement(
  'sentinel.takeUntold',
  `with due as (
     select b.id from gateway.sentinel_alerts b
     where not b.told and b.tell_at <= now() and b.created_at > now() - interval '10 minutes'
     order by b.id limit 20 for update skip locked)
   update gateway.sentinel_alerts a set tell_at = now() + interval '60 seconds'
   from due where a.id = due.id returning ${ALERT_COLUMNS}`,
);

/** Takes what nobody has told yet, to tell it within 60 s; after that it is offered again. What is old is left. */
export async function takeUntold(db: Db): Promise<Alert[]> {
  return (await db.query(TAKE_UNTOLD)).map(alertFromRow).sort((a, b) => a.id - b.id);
}

const MARK_TOLD = statement(
  'sentinel.markTold',
  'update gateway.sentinel_alerts a set told = true where a.id = $1',
);

export async function markTold(db: Db, id: number): Promise<void> {
  await db.query(MARK_TOLD, [id]);
}

const ADD_CHECK = statement(
  'sentinel.addCheck',
  'insert into gateway.health_checks (gateway, findings) values ($1, $2)',
);
const PRUNE_CHECKS = statement(
  'sentinel.pruneChecks',
  `delete from gateway.health_checks h where h.id <= (
     select g.id from gateway.health_checks g order by g.id desc offset 288 limit 1)`,
);

/** Keeps what a health check has found; the newest 288 stay, which is a day of them. */
export async function addHealthCheck(db: Db, gateway: string, findings: Findings): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query(ADD_CHECK, [gateway, JSON.stringify(findings)]);
    await tx.query(PRUNE_CHECKS);
  });
}

/** What a health check has found. */
export interface HealthCheck {
  readonly gateway: string;
  readonly findings: Readonly<Record<string, unknown>>;
  readonly checkedAt: Instant;
}

const LIST_CHECKS = statement(
  'sentinel.listChecks',
  'select h.gateway, h.findings, h.checked_at from gateway.health_checks h order by h.id desc limit $1',
);

/** The latest, newest first. */
export async function listHealthChecks(db: Db, limit: number): Promise<HealthCheck[]> {
  return (await db.query(LIST_CHECKS, [limit])).map((row) => ({
    gateway: text(row, 'gateway'),
    findings: jsonObject(row, 'findings'),
    checkedAt: instant(row, 'checked_at'),
  }));
}
