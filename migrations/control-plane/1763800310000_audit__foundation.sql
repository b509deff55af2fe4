-- Who did which administrative act, when and from where. Owner: control-plane/audit. Rows are added in the transaction of
-- the act that they tell of, and never change.

set local lock_timeout = '5s';

create table audit_entries (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  -- What was done: `gateway.drain`.
  action text not null,
  -- What it was done to; empty: the control plane as a whole.
  subject text not null,
  actor_kind text not null,
  -- The name of a key, or of a setting with the beginning of a hash. Never a secret.
  actor text not null,
  client_ip text not null,
  request_id text not null,
  detail jsonb not null default '{}'
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.05);
create index audit_entries_at on audit_entries (at);
create index audit_entries_subject on audit_entries (subject, id);

-- Nothing but retention takes an entry away, and nothing changes one.
create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('skynet.audit_retention', true) = 'on' then
    return old;
  end if;
  raise exception 'The audit trail is append-only: % is refused.', lower(tg_op)
    using errcode = 'insufficient_privilege';
end $$;
create trigger audit_entries_stay before update or delete on audit_entries
  for each row execute function refuse_audit_change();
create trigger audit_entries_are_not_emptied before truncate on audit_entries
  for each statement execute function refuse_audit_change();

-- Deletes up to so many of the oldest entries that are older than so many days, one day at least; returns how many.
create function prune_audit_entries(days double precision, most integer) returns bigint
  language plpgsql set skynet.audit_retention = 'on' as $$
declare
  deleted bigint;
begin
  delete from audit_entries e using (
    select o.id from audit_entries o
    where o.at < now() - greatest(days, 1) * interval '1 day'
    order by o.at limit most for update skip locked
  ) old where e.id = old.id;
  get diagnostics deleted = row_count;
  return deleted;
end $$;
