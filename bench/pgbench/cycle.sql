with next as (
  select seq from limit_tasks where gate = 0 order by priority desc, seq limit 1 for no key update skip locked
), claimed as (
  update limit_tasks t set gate = 5, status = 'claimed', attempts = attempts + 1, locked_by = 'worker-' || :client_id,
    claim_token = gen_random_uuid()::text, lease_expires_at = now() + interval '300 seconds', updated_at = now()
  from next where t.seq = next.seq returning t.seq, t.id, t.claim_token
), logged as (
  insert into limit_events (task_id, event_type) select id, 'claimed' from claimed
)
select seq, claim_token from claimed \gset
with started as (
  update limit_tasks set status = 'running', updated_at = now()
  where seq = :seq and claim_token = :claim_token and status = 'claimed' returning id
)
insert into limit_events (task_id, event_type) select id, 'running' from started;
with ended as (
  update limit_tasks set gate = null, status = 'succeeded', result = '{"ok": true}', locked_by = null, claim_token = null,
    lease_expires_at = null, updated_at = now(), completed_at = now()
  where seq = :seq and claim_token = :claim_token and status = 'running' returning id
)
insert into limit_events (task_id, event_type) select id, 'succeeded' from ended;
