-- Recurring tasks. Owner: control-plane/schedules.

create table schedules (
  schedule_id text collate "C" primary key,
  cron text not null,
  time_zone text not null,
  -- What each of the tasks is made of, in the words of the API.
  task json not null,
  catch_up text not null check (catch_up in ('none', 'last', 'all')),
  overlap text not null check (overlap in ('allow', 'skip', 'cancel_previous')),
  start_at timestamptz,
  end_at timestamptz,
  enabled boolean not null,
  next_at timestamptz,
  last_at timestamptz,
  last_task_id text,
  last_skipped_at timestamptz,
  last_skip_reason text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint schedules_paused_is_never_due check (enabled or next_at is null)
);
comment on column schedules.next_at is 'The next occurrence; null while paused, and when there is none any more.';

create index schedules_due on schedules (next_at) where next_at is not null;

-- The latest occurrences that made a task. The primary key says once more that each happens once.
create table schedule_occurrences (
  schedule_id text collate "C" not null,
  occurs_at timestamptz not null,
  task_id text not null,
  primary key (schedule_id, occurs_at)
);
