-- The ledger: tasks, their dependencies, the files they own and wait for. Owner: control-plane/ledger.

-- Capabilities as one text, for the lane. array_to_string is only "stable" because of types whose output depends on
-- settings; for text it is immutable. Long lists become a hash, so that an index entry stays small.
create function capability_key(capabilities text[]) returns text
  language sql immutable parallel safe
  return case
    when length(array_to_string(capabilities, ',')) <= 100 then array_to_string(capabilities, ',')
    else md5(array_to_string(capabilities, ','))
  end;

create table tasks (
  seq bigint generated always as identity primary key,
  id text not null constraint tasks_id_key unique,
  project_id text not null default 'default',
  kind text not null default 'action',
  action text not null,
  params json not null,
  priority integer not null default 0,
  delivery text not null default 'any' check (delivery in ('any', 'push', 'pull')),
  gateway_id text,
  gateway_strict boolean not null default false,
  required_capabilities text[] not null default '{}',
  dependencies text[] not null default '{}',
  required_files text[] not null default '{}',
  file_paths text[] not null default '{}',
  max_attempts integer not null check (max_attempts > 0),
  lease_seconds integer not null check (lease_seconds > 0),
  submitted_by text,

  status text not null default 'queued'
    check (status in ('queued', 'claimed', 'running', 'succeeded', 'failed', 'released', 'failed_timeout')),
  gate smallint,
  pending_dependencies integer not null default 0 check (pending_dependencies >= 0),
  has_dependents boolean not null default false,
  has_files boolean not null default false,
  failed_dependency bigint,
  next_attempt_at timestamptz,
  attempts integer not null default 0,
  lease_expiries integer not null default 0,
  lease_number bigint not null default 0,
  version bigint not null default 1,

  holder text check (holder in ('dispatcher', 'worker')),
  locked_by text,
  claim_token text,
  locked_at timestamptz,
  lease_expires_at timestamptz,
  dispatch_key text,
  dispatch_gateway_id text,

  result json not null default '{}',
  error text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  completed_at timestamptz,

  -- Who may take the task, as one sortable text: kind / audience / gateway it is bound to / capabilities. All ready
  -- tasks of a lane are alike to a claimer, so it looks at the head of each lane that it may use and at nothing else.
  lane text collate "C" not null generated always as (
    kind
    || '/' || case when dispatch_key is null then delivery else 'push' end
    || '/' || case when dispatch_key is not null then coalesce(dispatch_gateway_id, '')
                   when gateway_strict then coalesce(gateway_id, '') else '' end
    || '/' || capability_key(required_capabilities)
  ) stored,

  -- Where the task stands: waiting gates 0..4, 5 held by a claim, 6 failed, null succeeded.
  constraint tasks_gate_fits_status check (
    case status
      when 'succeeded' then gate is null
      when 'failed' then gate is not distinct from 6
      when 'failed_timeout' then gate is not distinct from 6
      when 'claimed' then gate is not distinct from 5
      when 'running' then gate is not distinct from 5
      else gate is not null and gate between 0 and 4
    end
  ),
  constraint tasks_held_means_leased check (
    (status in ('claimed', 'running'))
    = (claim_token is not null and locked_by is not null and holder is not null
       and locked_at is not null and lease_expires_at is not null)
  ),
  constraint tasks_completed_means_terminal check (
    (completed_at is not null) = (status in ('succeeded', 'failed', 'failed_timeout'))
  ),
  constraint tasks_gate_1_counts check (gate is distinct from 1 or pending_dependencies > 0),
  constraint tasks_ready_counts check (gate is distinct from 0 or pending_dependencies = 0)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 1);

comment on column tasks.gate is
  'Waiting: 0 runnable, 1 dependencies, 2 a file, 3 time, 4 reserved. 5 held by a claim, 6 failed, null succeeded.';
comment on column tasks.has_files is 'Needs files, or took some while it ran: its end must free them.';
comment on column tasks.claim_token is 'The credential of the present holder; null when nobody holds the task.';
comment on column tasks.dispatch_key is
  'The idempotency key of an execution whose outcome is not known to be over; only its gateway may be asked again.';

-- The ready index is the order of service. No status in it or in any predicate: a start or a renewal stays a HOT update.
create index tasks_ready on tasks (lane, priority desc, seq) where gate = 0;
create index tasks_due on tasks (next_attempt_at) where gate = 3;
create index tasks_waiting on tasks (seq) where gate between 0 and 4;
create index tasks_held on tasks (seq) where gate = 5;
create index tasks_failed on tasks (seq) where gate = 6;

create table task_dependencies (
  child_seq bigint not null,
  parent_seq bigint not null,
  primary key (child_seq, parent_seq),
  check (parent_seq < child_seq)
);
create index task_dependencies_parent on task_dependencies (parent_seq, child_seq);

-- A path that a claim owns. The primary key is the exclusion.
create table file_locks (
  project_id text not null,
  path text collate "C" not null,
  task_seq bigint not null,
  file_path text not null,
  claimed_at timestamptz not null default now(),
  primary key (project_id, path)
);
create index file_locks_task on file_locks (task_seq);
comment on column file_locks.path is 'Normal form, by which paths are compared; file_path is what the task called it.';

-- A parked task, on its first conflicting path; woken_at is set when it carries that path's baton.
create table file_waits (
  task_seq bigint primary key,
  project_id text not null,
  path text collate "C" not null,
  lane text collate "C" not null,
  priority integer not null,
  parked_at timestamptz not null default now(),
  woken_at timestamptz
);
create index file_waits_parked on file_waits (project_id, path, lane, priority desc, task_seq) where woken_at is null;
create index file_waits_woken on file_waits (project_id, path, lane) where woken_at is not null;

-- Which conflicts have been told as an event: once per task and owner.
create table file_conflicts (
  task_seq bigint not null,
  owner_seq bigint not null,
  primary key (task_seq, owner_seq)
);

-- Short mutual exclusion for jobs of the product itself.
create table job_locks (
  job text primary key,
  owner text not null,
  acquired_at timestamptz not null default now(),
  expires_at timestamptz not null
);
