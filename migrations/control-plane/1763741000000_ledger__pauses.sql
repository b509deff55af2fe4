-- What is paused: the queue, projects. Owner: control-plane/ledger. A row is the whole pause; no task is written.

create table pauses (
  scope text not null check (scope in ('queue', 'project')),
  -- The project; empty for the queue, of which there is one. Compared by bytes, as tasks.project_id is.
  name text collate "C" not null,
  reason text not null default '',
  paused_at timestamptz not null default now(),
  primary key (scope, name),
  constraint pauses_queue_has_no_name check ((scope = 'queue') = (name = ''))
);
