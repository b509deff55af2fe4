-- Webhooks out: who is told of which events, and what became of each telling. Owner: control-plane/webhooks.

set local lock_timeout = '5s';

create table webhooks (
  webhook_id text primary key,
  url text not null,
  description text not null default '',
  -- Types of the log, or the beginning of some with a star.
  event_types text[] not null check (cardinality(event_types) > 0),
  -- Null: of all projects.
  project_id text,
  -- Sealed; the one before is good for a while after a rotation.
  sealed_secret text not null,
  sealed_previous_secret text,
  previous_secret_until timestamptz,
  -- Null while it is enabled.
  disabled_at timestamptz,
  disabled_reason text check (disabled_reason in ('by-operator', 'gone', 'failing')),
  -- Up to where the log has become deliveries. It moves in the transaction that adds them.
  position_txid xid8 not null,
  position_id bigint not null,
  -- When it was last found that the log had dropped events before they were read.
  gap_at timestamptz,
  -- Since when no attempt has succeeded.
  failing_since timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  check ((disabled_at is null) = (disabled_reason is null)),
  check ((sealed_previous_secret is null) = (previous_secret_until is null))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 100);

create table webhook_deliveries (
  -- What receivers see as webhook-id: the same for all attempts, another for each event and endpoint.
  delivery_id text primary key,
  webhook_id text not null references webhooks on delete cascade,
  event_type text not null,
  -- Null: a test.
  task_id text,
  -- What is sent, byte for byte, whenever it is.
  body text not null,
  status text not null check (status in ('pending', 'delivered', 'failed')),
  attempts integer not null default 0,
  -- When it may be attempted: the end of a pause, or of the lease of an attempt that is under way.
  due_at timestamptz,
  -- The attempt that is under way. What another one has to say does not count any more.
  attempt_id uuid,
  -- No attempt begins after this but the first.
  retry_until timestamptz not null,
  last_attempt_at timestamptz,
  last_status_code integer,
  last_error text,
  created_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  check ((status = 'pending') = (due_at is not null)),
  check ((status = 'pending') = (ended_at is null)),
  check (attempt_id is null or status = 'pending')
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05, vacuum_truncate = off);
create index webhook_deliveries_due on webhook_deliveries (webhook_id, due_at) where status = 'pending';
create index webhook_deliveries_ended on webhook_deliveries (webhook_id, ended_at) where status <> 'pending';
create index webhook_deliveries_newest on webhook_deliveries (webhook_id, created_at desc, delivery_id);
