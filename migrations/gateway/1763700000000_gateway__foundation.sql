-- What an OpenClaw gateway must remember: which executions it has begun and how they ended. Owner: gateway/actions.

create schema if not exists gateway;

create table gateway.executions (
  task_id text not null,
  idempotency_key text not null,
  -- sha256 of action and parameters: a key names one execution, not several.
  fingerprint text not null,
  action text not null,
  state text not null check (state in ('running', 'done')),
  -- The process that runs it, and until when that process is believed to live unless it says so again.
  boot_id text not null,
  alive_until timestamptz not null,
  http_status integer,
  response json,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (task_id, idempotency_key),
  check ((state = 'done') = (response is not null and http_status is not null and finished_at is not null))
);
create index executions_finished on gateway.executions (finished_at);

-- The highest lease number that came with a task: a lower one belongs to somebody who has lost the task.
create table gateway.task_leases (
  task_id text primary key,
  lease_number bigint not null,
  seen_at timestamptz not null default now()
);
create index task_leases_seen on gateway.task_leases (seen_at);

-- One row while the emergency stop is on.
create table gateway.emergency_stop (
  only_row boolean primary key default true check (only_row),
  stopped_at timestamptz not null default now()
);
