-- Files are patterns with a mode now: a folder, a glob or a file, written by one task or read by several.

set local lock_timeout = '5s';

alter table tasks add column file_modes text not null default '';
comment on column tasks.file_paths is 'Normal forms of the files that the task needs; required_files has what the caller called them.';
comment on column tasks.file_modes is 'One letter for each of file_paths, r or w; empty when all are written.';

-- Who owns what. That two owners do not conflict is decided under the project's lock; the unique index catches the
-- plainest breach of it.
alter table file_locks add column prefix text collate "C", add column mode text not null default 'write';
update file_locks set prefix = path;
alter table file_locks
  alter column prefix set not null,
  drop constraint file_locks_pkey,
  add primary key (project_id, path, task_seq);
create unique index file_locks_one_writer on file_locks (project_id, path) where mode = 'write';
create index file_locks_prefix on file_locks (project_id, prefix);
comment on column file_locks.prefix is 'The leading segments without a glob: what the pattern owns is this path or below it.';

-- What a parked task reserves against those behind it: the pattern that it waits for, or, after it has lost often
-- enough, all of its files.
alter table file_waits
  add column prefix text collate "C",
  add column mode text not null default 'write',
  add column losses integer not null default 0;
update file_waits set prefix = path;
alter table file_waits
  alter column prefix set not null,
  drop constraint file_waits_pkey,
  add primary key (task_seq, path);
drop index file_waits_parked;
drop index file_waits_woken;
create index file_waits_queue on file_waits (project_id, prefix, path, mode, lane, priority desc, task_seq)
  where woken_at is null;
create index file_waits_awake on file_waits (project_id, prefix) where woken_at is not null;
comment on column file_waits.losses is 'How often the task was ready and could not be admitted.';
