-- The output of jobs and services, as hosts ship it while they run. Owner: control-plane/logs.

-- One row an output. An append locks it, so that entries are committed in the order of their positions: who has read up
-- to a position misses nothing below it.
create table outputs (
  kind text not null check (kind in ('job', 'service')),
  subject_id text collate "C" not null,
  last_position bigint not null default 0,
  -- What is kept of a job's output, each entry with its least weight.
  bytes bigint not null default 0,
  -- Something is missing: the end of a job's output, the beginning of a service's.
  is_cut boolean not null default false,
  began_at timestamptz not null default now(),
  primary key (kind, subject_id)
) with (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.1, vacuum_truncate = off);

create table output_entries (
  kind text not null,
  subject_id text collate "C" not null,
  position bigint not null,
  host_id text collate "C" not null,
  -- Which life of which process printed it; 0 and 0 for jobs, whose attempts tell it.
  generation integer not null,
  slot integer not null,
  attempt integer not null,
  seq integer not null,
  stream text not null check (stream in ('stdout', 'stderr')),
  text text not null,
  -- How much the host had printed of a service's output with this entry, for the ring; null for jobs.
  ends_at bigint,
  at timestamptz not null default now(),
  primary key (kind, subject_id, position),
  unique (kind, subject_id, host_id, generation, slot, attempt, seq)
) with (autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_threshold = 5000,
  autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05, vacuum_truncate = off);

create index output_entries_ring on output_entries (subject_id, host_id, ends_at) where ends_at is not null;
-- Retention looks among those that began long ago. A column that never changes keeps appends off the index.
create index outputs_of_old_jobs on outputs (began_at, subject_id) where kind = 'job';
