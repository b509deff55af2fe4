import {
  flag,
  integer,
  integerOrNull,
  onlyRow,
  real,
  text,
  textOrNull,
} from '../../platform/database/row.js';
import { type Asks } from '../../platform/database/session.js';
import { statement } from '../../platform/database/statement.js';

// Views of an operator, which read across the owners of tables and write nothing.

const SERVER = statement(
  'doctor.server',
  `select current_setting('server_version_num')::int / 10000 as major, current_setting('server_version') as version,
     current_database()::text as database, pg_is_in_recovery() as is_standby, pg_database_size(current_database()) as bytes,
     current_setting('max_connections')::int as most_connections,
     (select count(*) from pg_stat_activity where backend_type = 'client backend')::int as connections`,
);

export interface Server {
  readonly major: number;
  readonly version: string;
  readonly database: string;
  readonly isStandby: boolean;
  readonly bytes: number;
  readonly mostConnections: number;
  readonly connections: number;
}

export async function getServer(session: Asks): Promise<Server> {
  const row = onlyRow(await session.query(SERVER));
  return {
    major: integer(row, 'major'),
    version: text(row, 'version'),
    database: text(row, 'database'),
    isStandby: flag(row, 'is_standby'),
    bytes: integer(row, 'bytes'),
    mostConnections: integer(row, 'most_connections'),
    connections: integer(row, 'connections'),
  };
}

const CLOCK = statement(
  'doctor.clock',
  'select (extract(epoch from clock_timestamp()) * 1000)::float8 as at_ms',
);

/** The database's clock, in milliseconds. */
export async function databaseClockMs(session: Asks): Promise<number> {
  return real(onlyRow(await session.query(CLOCK)), 'at_ms');
}

const REPLICAS = statement(
  'doctor.replicas',
  `select r.replica, r.node_id, r.public_url,
     extract(epoch from now() - r.last_seen_at)::float8 as silent_seconds,
     extract(epoch from r.own_clock_at - r.last_seen_at)::float8 as ahead_seconds
   from replicas r where r.last_seen_at > now() - interval '30 seconds' order by r.started_at, r.replica limit 100`,
);

/** A replica that is alive. */
export interface Replica {
  readonly replica: string;
  readonly nodeId: string;
  readonly publicUrl: string | null;
  /** How far its own clock is before the database's; null when it does not say. */
  readonly aheadSeconds: number | null;
}

export async function listReplicas(session: Asks): Promise<Replica[]> {
  return (await session.query(REPLICAS)).map((row) => ({
    replica: text(row, 'replica'),
    nodeId: text(row, 'node_id'),
    publicUrl: textOrNull(row, 'public_url'),
    aheadSeconds: row['ahead_seconds'] === null ? null : real(row, 'ahead_seconds'),
  }));
}

const GATEWAYS = statement(
  'doctor.gateways',
  `select g.gateway_id, g.host, g.status, g.declared_status, g.status_reason, g.paused_at is not null as is_paused,
     extract(epoch from now() - g.last_heartbeat)::float8 as silent_seconds
   from gateways g order by g.gateway_id limit 200`,
);

export interface GatewayState {
  readonly id: string;
  readonly host: string;
  readonly status: string;
  readonly declaredStatus: string;
  readonly reason: string;
  readonly isPaused: boolean;
  readonly silentSeconds: number;
}

export async function listGatewayStates(session: Asks): Promise<GatewayState[]> {
  return (await session.query(GATEWAYS)).map((row) => ({
    id: text(row, 'gateway_id'),
    host: text(row, 'host'),
    status: text(row, 'status'),
    declaredStatus: text(row, 'declared_status'),
    reason: text(row, 'status_reason'),
    isPaused: flag(row, 'is_paused'),
    silentSeconds: real(row, 'silent_seconds'),
  }));
}

const TABLES = statement(
  'doctor.tables',
  `select s.relid::regclass::text as name, s.n_live_tup as live, s.n_dead_tup as dead,
     pg_total_relation_size(s.relid) as bytes,
     extract(epoch from now() - greatest(s.last_vacuum, s.last_autovacuum))::float8 as vacuumed_seconds
   from pg_stat_user_tables s where s.schemaname in ('public', 'gateway') order by s.n_dead_tup desc limit 500`,
);

export interface TableState {
  readonly name: string;
  readonly live: number;
  readonly dead: number;
  readonly bytes: number;
  /** Seconds since it was vacuumed; null: never. */
  readonly vacuumedSeconds: number | null;
}

/** The tables, those with the most dead rows first, by the server's own statistics. */
export async function listTableStates(session: Asks): Promise<TableState[]> {
  return (await session.query(TABLES)).map((row) => ({
    name: text(row, 'name'),
    live: integer(row, 'live'),
    dead: integer(row, 'dead'),
    bytes: integer(row, 'bytes'),
    vacuumedSeconds: row['vacuumed_seconds'] === null ? null : real(row, 'vacuumed_seconds'),
  }));
}

const HORIZON = statement(
  'doctor.horizon',
  `select 'transaction' as kind, a.pid::text as name, coalesce(a.usename::text, '') || ' ' || coalesce(a.application_name, '')
       || ', ' || coalesce(a.state, '') as who,
     extract(epoch from now() - a.xact_start)::float8 as open_seconds
   from pg_stat_activity a
   where a.xact_start is not null and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
     and a.datname = current_database()
   union all
   select 'prepared', p.gid, p.owner::text, extract(epoch from now() - p.prepared)::float8 from pg_prepared_xacts p
   where p.database = current_database()
   union all
   select 'slot', s.slot_name::text, coalesce(s.slot_type, ''), null from pg_replication_slots s
   where not s.active and (s.xmin is not null or s.catalog_xmin is not null or s.restart_lsn is not null)
   order by open_seconds desc nulls last limit 20`,
);

/** What keeps vacuum and the readers of the log from going on. */
export interface Holder {
  readonly kind: 'transaction' | 'prepared' | 'slot';
  readonly name: string;
  readonly who: string;
  /** Null: a slot does not say. */
  readonly openSeconds: number | null;
}

export async function listHolders(session: Asks): Promise<Holder[]> {
  return (await session.query(HORIZON)).map((row) => ({
    kind: text(row, 'kind') as Holder['kind'],
    name: text(row, 'name'),
    who: text(row, 'who'),
    openSeconds: row['open_seconds'] === null ? null : real(row, 'open_seconds'),
  }));
}

const PARTITIONS = statement(
  'doctor.partitions',
  `select count(*)::int as many, extract(epoch from max(p.upper_bound) - now())::float8 as ahead_seconds,
     to_char(min(p.lower_bound) at time zone 'UTC', 'YYYY-MM-DD') as oldest,
     to_char(max(p.upper_bound) at time zone 'UTC', 'YYYY-MM-DD') as newest_end,
     (select greatest(c.reltuples, 0)::bigint from pg_class c where c.oid = to_regclass('events_default')) as in_default
   from (
     select substring(b.bound from 'FROM \\(''([^'']+)''\\)')::timestamptz as lower_bound,
       substring(b.bound from 'TO \\(''([^'']+)''\\)')::timestamptz as upper_bound
     from (
       select pg_get_expr(c.relpartbound, c.oid) as bound
       from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = to_regclass('events')
     ) b where b.bound <> 'DEFAULT'
   ) p`,
);

/** The pieces of the event log. */
export interface Partitions {
  readonly many: number;
  /** Until the end of the newest; null when there is none. */
  readonly aheadSeconds: number | null;
  readonly oldest: string | null;
  readonly newestEnd: string | null;
  /** About how many events are outside of all days. */
  readonly inDefault: number;
}

export async function getPartitions(session: Asks): Promise<Partitions> {
  const row = onlyRow(await session.query(PARTITIONS));
  return {
    many: integer(row, 'many'),
    aheadSeconds: row['ahead_seconds'] === null ? null : real(row, 'ahead_seconds'),
    oldest: textOrNull(row, 'oldest'),
    newestEnd: textOrNull(row, 'newest_end'),
    inDefault: integerOrNull(row, 'in_default') ?? 0,
  };
}

const OLDEST = statement(
  'doctor.oldest',
  `select extract(epoch from now() - (select t.created_at from tasks t order by t.seq limit 1))::float8 as task_seconds,
     extract(epoch from now() - (select a.at from audit_entries a order by a.at limit 1))::float8 as audit_seconds`,
);

/** How old the oldest task and the oldest entry of the audit trail are; null when there is none. */
export async function getOldest(
  session: Asks,
): Promise<{ readonly taskSeconds: number | null; readonly auditSeconds: number | null }> {
  const row = onlyRow(await session.query(OLDEST));
  const secondsOf = (column: string) => (row[column] === null ? null : real(row, column));
  return { taskSeconds: secondsOf('task_seconds'), auditSeconds: secondsOf('audit_seconds') };
}

const BACKEND = statement('doctor.backend', 'select pg_backend_pid()::int as pid');
const BACKEND_AGAIN = statement(
  'doctor.backendAgain',
  `select pg_backend_pid()::int as pid, 'second' as nth`,
);

/** Which process of the server this session has just now. */
export async function backendOf(session: Asks): Promise<number> {
  return integer(onlyRow(await session.query(BACKEND)), 'pid');
}

/** The two statements that are prepared to see whether a pooler keeps them. */
export const PREPARED = [BACKEND, BACKEND_AGAIN] as const;

const NOTIFY = statement('doctor.notify', 'select pg_notify($1, $2)');

export async function notify(session: Asks, channel: string, payload: string): Promise<void> {
  await session.query(NOTIFY, [channel, payload]);
}
