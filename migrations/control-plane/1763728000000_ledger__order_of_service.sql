-- The order of service: projects take turns, and within a project a waiting task gains on those of a higher priority that
-- came later. Because all gain alike, the order between two tasks never changes, and one number says it for good.

set local lock_timeout = '5s';

alter table tasks add column rank bigint not null default 0;
update tasks set rank = floor(extract(epoch from created_at))::bigint - priority * 300::bigint where gate is not null;
comment on column tasks.rank is
  'Lower is served first: the second in which the task was handed in or is due, less the seconds that its priority is worth.';

-- Compared by bytes, as the code that foretells a claim compares it.
alter table tasks alter column project_id type text collate "C";

drop index tasks_ready;
create index tasks_ready on tasks (lane, project_id, rank, seq) where gate = 0;

alter table file_waits add column rank bigint;
update file_waits w set rank = t.rank from tasks t where t.seq = w.task_seq;
drop index file_waits_queue;
alter table file_waits
  alter column rank set not null,
  drop column priority;
create index file_waits_queue on file_waits (project_id, prefix, path, mode, lane, rank, task_seq)
  where woken_at is null;
