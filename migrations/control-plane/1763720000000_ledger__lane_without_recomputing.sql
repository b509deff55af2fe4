-- A generated column is set up anew by every statement that touches one of its sources, and every CHECK by every update:
-- together they were half of the work of a start or an end. The lane matters only while a task waits, so it is written
-- by the statements that let a task wait.

set local lock_timeout = '5s';

create function task_lane(
  kind text, delivery text, dispatch_key text, dispatch_gateway_id text, gateway_strict boolean, gateway_id text,
  required_capabilities text[]
) returns text
  language sql immutable parallel safe
  return kind
    || '/' || case when dispatch_key is null then delivery else 'push' end
    || '/' || case when dispatch_key is not null then coalesce(dispatch_gateway_id, '')
                   when gateway_strict then coalesce(gateway_id, '') else '' end
    || '/' || capability_key(required_capabilities);

alter table tasks alter column lane drop expression;
alter table tasks alter column lane set default 'action/any//';
comment on column tasks.lane is
  'Who may take the task, as one sortable text; always task_lane() of the row while it waits. The default fits the others.';

-- What no statement of the ledger can break. The three that stay guard the states themselves.
alter table tasks
  drop constraint tasks_delivery_check,
  drop constraint tasks_max_attempts_check,
  drop constraint tasks_lease_seconds_check,
  drop constraint tasks_status_check,
  drop constraint tasks_pending_dependencies_check,
  drop constraint tasks_holder_check,
  drop constraint tasks_gate_1_counts,
  drop constraint tasks_ready_counts;
