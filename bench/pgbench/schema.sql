-- As little as a durable task ledger with events can be: what the same work costs without any of our rules.
create table limit_tasks (
  seq bigint generated always as identity primary key,
  id text not null unique,
  action text not null,
  params json not null,
  priority integer not null default 0,
  status text not null default 'queued',
  gate smallint,
  attempts integer not null default 0,
  locked_by text,
  claim_token text,
  lease_expires_at timestamptz,
  result json not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  completed_at timestamptz
) with (fillfactor = 80);
create index limit_tasks_ready on limit_tasks (priority desc, seq) where gate = 0;
create sequence limit_ids;

create table limit_events (
  id bigint generated always as identity primary key,
  task_id text not null,
  event_type text not null,
  payload json not null default '{}',
  created_at timestamptz not null default now()
);
create index limit_events_task on limit_events (task_id, id);
