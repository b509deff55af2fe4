-- Ends that not all dependents have been told of: a task with ten thousand dependents tells the first of them in its own
-- transaction and leaves the others to portions, so that nobody waits long behind it. Owner: control-plane/ledger.

set local lock_timeout = '5s';

create table untold_ends (
  parent_seq bigint primary key,
  next_seq bigint not null,
  last_seq bigint not null,
  told_at timestamptz not null default now()
) with (autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.02, vacuum_truncate = off);
create index untold_ends_turn on untold_ends (told_at, parent_seq);

comment on column untold_ends.next_seq is 'Dependents before this one have been told.';
comment on column untold_ends.last_seq is
  'Dependents after this one came when the task had ended already: they never waited for it.';
comment on column untold_ends.told_at is 'When the last portion was told; who has waited longest comes next.';
