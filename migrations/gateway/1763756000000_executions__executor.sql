-- Who was given an execution, and until when he can be asked about it by its key; null: he remembers nothing, and only the
-- process that waits for him knows. Rows from before were executed by the gateway's own machine.
alter table gateway.executions
  add column executor_id text not null default 'local',
  add column recallable_until timestamptz;

-- unanswered: its executor has it and may be at it still, and nobody waits for the answer.
alter table gateway.executions drop constraint executions_state_check;
alter table gateway.executions
  add constraint executions_state_check check (state in ('running', 'unanswered', 'done'));

drop index gateway.executions_running;
create index executions_open on gateway.executions (started_at) where state <> 'done';
