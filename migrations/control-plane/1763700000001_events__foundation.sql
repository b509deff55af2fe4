-- The append-only log. Owner: control-plane/events; rows are written by the statement that makes the change.

create table events (
  id bigint generated always as identity primary key,
  -- Ids are handed out before commits, so an id alone can be overtaken; (txid, id) below the snapshot horizon cannot.
  txid xid8 not null default pg_current_xact_id(),
  task_id text not null,
  task_version bigint not null,
  event_type text not null,
  from_status text,
  to_status text,
  worker_id text,
  claim_token text,
  message text not null default '',
  payload json not null default '{}',
  created_at timestamptz not null default now()
) with (autovacuum_vacuum_insert_scale_factor = 0.05);

create index events_task on events (task_id, id);
create index events_position on events (txid, id);
create index events_created on events using brin (created_at) with (pages_per_range = 16);
