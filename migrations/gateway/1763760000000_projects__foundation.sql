-- Projects: ideas, a plan, and the way of its tasks through the ledger of the control plane. Owner: gateway/projects.

create table gateway.projects (
  id text primary key,
  slug text not null unique,
  name text not null,
  description text not null,
  directory text not null,
  status text not null check (status in
    ('ideation', 'planning', 'approved', 'coding', 'paused', 'completed', 'failed', 'cancelled')),
  auto_start boolean not null default false,
  bootstrap text not null check (bootstrap in ('off', 'pending', 'deferred', 'done', 'failed')),
  -- The steps that have ended, and which attempt at the next one this is: its idempotency key.
  bootstrap_steps json not null default '[]',
  bootstrap_attempt integer not null default 1,
  plan json,
  error text not null default '',
  -- What the ledger knows: of the tasks, of a pause, and whether it knows of the last pause or cancellation.
  handed_in boolean not null default false,
  tasks_paused boolean not null default false,
  settled boolean not null default true,
  -- Grows with every change, so that whoever works on a project sees that somebody has spoken.
  version bigint not null default 1,
  -- The gateway that works on it, by a token of its own, and until when it is believed to do so.
  holder text,
  held_until timestamptz,
  -- When it is to be looked at next: later, after something was in the way.
  due_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- Since when it queues for a place.
  queued_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  check ((ended_at is not null) = (status in ('completed', 'failed', 'cancelled'))),
  check (plan is not null or status not in ('approved', 'coding', 'paused', 'completed')),
  check ((status = 'approved') <= (queued_at is not null)),
  check ((holder is null) = (held_until is null))
);
create index projects_newest on gateway.projects (created_at desc, id desc);
-- The few that somebody may have to do something for; a look of an idle gateway reads this and nothing else.
create index projects_at_work on gateway.projects (due_at)
  where status in ('ideation', 'planning', 'approved', 'coding', 'paused') or not settled;

create table gateway.project_ideas (
  project_id text not null references gateway.projects on delete cascade,
  number integer not null,
  idea text not null,
  created_at timestamptz not null default now(),
  primary key (project_id, number)
);

-- How far the tasks of a started project are, as the ledger was seen last.
create table gateway.project_tasks (
  project_id text not null references gateway.projects on delete cascade,
  task_id text not null,
  phase text not null check (phase in ('waiting', 'started', 'succeeded', 'failed')),
  error text not null default '',
  primary key (project_id, task_id)
);

-- Written by the transaction that changes the project, under its row's lock: so the ids of one project come in order.
create table gateway.project_events (
  id bigint generated always as identity primary key,
  project_id text not null references gateway.projects on delete cascade,
  type text not null,
  message text not null,
  payload json not null default '{}',
  created_at timestamptz not null default now()
);
create index project_events_of_project on gateway.project_events (project_id, id);
