with task as (
  insert into limit_tasks (id, action, params, gate)
  select 'task-' || nextval('limit_ids'), 'bench', '{"n": 1}', 0 from generate_series(1, :size) returning id
)
insert into limit_events (task_id, event_type) select id, 'enqueued' from task;
