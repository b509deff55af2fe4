-- Services: processes that hosts keep running. Owner: control-plane/services.

create table services (
  service_id text primary key,
  name text not null,
  replicas integer not null check (replicas between 0 and 1000),
  -- The generation that should run: the newest, but after a rollback.
  generation integer not null check (generation > 0),
  newest_generation integer not null check (newest_generation >= generation),
  -- The generation to go back to when this one does not come up.
  fallback_generation integer,
  -- Whether a replica of the generation has ever run.
  has_run boolean not null default false,
  rollout_state text not null check (rollout_state in ('progressing', 'complete', 'rolled-back', 'failed')),
  rollout_reason text not null default '',
  rollout_failures integer not null default 0,
  rollout_started_at timestamptz not null,
  -- The last time at which a replica of the generation came up, or the beginning.
  rollout_progress_at timestamptz not null,
  rollout_finished_at timestamptz,
  stopped_at timestamptz,
  deleted_at timestamptz,
  -- From when on a claim may find something; null: there is nothing to claim.
  open_at timestamptz,
  -- When the service must be looked at though nobody has written it.
  due_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  updated_by text not null,
  version bigint not null default 1,
  check (deleted_at is null or stopped_at is not null)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 50);

create unique index services_live_name on services (name) where stopped_at is null;
create index services_by_creation on services (created_at, service_id collate "C") where deleted_at is null;
create index services_open on services (open_at) where open_at is not null;
create index services_due on services (due_at) where due_at is not null;

-- What each generation runs. Written once; the oldest are deleted when there are too many.
create table service_generations (
  service_id text not null references services (service_id) on delete cascade,
  generation integer not null check (generation > 0),
  spec jsonb not null,
  created_at timestamptz not null default now(),
  primary key (service_id, generation)
) with (autovacuum_vacuum_scale_factor = 0.05);

-- One process of a service on a host, as the control plane knows it.
create table service_assignments (
  service_id text not null references services (service_id) on delete cascade,
  host_id text not null,
  slot integer not null check (slot >= 0),
  generation integer not null check (generation > 0),
  status text not null check (status in ('pending', 'running', 'failed')),
  endpoint text,
  error text,
  claimed_at timestamptz not null,
  started_at timestamptz,
  updated_at timestamptz not null,
  restarts integer not null default 0,
  -- In a row; decides the back-off.
  failures integer not null default 0,
  retry_at timestamptz,
  -- Set: the process must end. Lost: its host fell silent, so nobody knows whether it has.
  stopping_at timestamptz,
  is_lost boolean not null default false,
  primary key (service_id, host_id, slot, generation),
  check ((retry_at is not null) = (status = 'failed')),
  check (stopping_at is null or status <> 'failed'),
  check (stopping_at is not null or not is_lost)
) with (
  fillfactor = 80,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 50,
  autovacuum_analyze_scale_factor = 0.05
);

create index service_assignments_by_host on service_assignments (host_id);
create index service_assignments_stopping on service_assignments (stopping_at) where stopping_at is not null;
