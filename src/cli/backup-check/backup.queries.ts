import { integer, onlyRow, real, text } from '../../platform/database/row.js';
import { type Asks } from '../../platform/database/session.js';
import { statement } from '../../platform/database/statement.js';

const OBJECTS = statement(
  'backupCheck.objects',
  `with relations as (
     select c.oid, c.relname, case when n.nspname = 'public' then '' else n.nspname || '.' end as prefix, c.relkind
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('public', 'gateway') and not c.relispartition
   )
   select 'table ' || r.prefix || r.relname as name from relations r where r.relkind in ('r', 'p')
   union all
   select 'column ' || r.prefix || r.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
   from relations r join pg_attribute a on a.attrelid = r.oid
   where r.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
   union all
   select 'index ' || r.prefix || r.relname || '.' || i.relname from relations r
   join pg_index x on x.indrelid = r.oid join pg_class i on i.oid = x.indexrelid
   union all
   select 'sequence ' || r.prefix || r.relname from relations r where r.relkind = 'S'
   union all
   select 'constraint ' || r.prefix || r.relname || '.' || k.conname from relations r
   join pg_constraint k on k.conrelid = r.oid where k.contype in ('c', 'f', 'p', 'u', 'x')
   union all
   select 'trigger ' || r.prefix || r.relname || '.' || g.tgname from relations r
   join pg_trigger g on g.tgrelid = r.oid where not g.tgisinternal
   union all
   select 'function ' || case when n.nspname = 'public' then '' else n.nspname || '.' end || p.proname
   from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('public', 'gateway')
   order by 1`,
);

/** Everything that the schema of a database is made of, a line each, but for the partitions of the log. */
export async function listObjects(session: Asks): Promise<string[]> {
  return [...new Set((await session.query(OBJECTS)).map((row) => text(row, 'name')))].sort();
}

const NEWEST = statement(
  'backupCheck.newest',
  `select (select count(*) from tasks) as tasks, (select count(*) from events) as events,
     extract(epoch from now() - greatest(
       (select max(t.updated_at) from tasks t), (select max(e.created_at) from events e)
     ))::float8 as age_seconds`,
);

export interface Newest {
  readonly tasks: number;
  readonly events: number;
  /** How old the newest row of ledger and log is; null when there is none. */
  readonly ageSeconds: number | null;
}

export async function getNewest(session: Asks): Promise<Newest> {
  const row = onlyRow(await session.query(NEWEST));
  return {
    tasks: integer(row, 'tasks'),
    events: integer(row, 'events'),
    ageSeconds: row['age_seconds'] === null ? null : real(row, 'age_seconds'),
  };
}
