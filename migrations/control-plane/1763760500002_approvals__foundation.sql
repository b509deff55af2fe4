-- Commands that a gateway wants to have allowed before it runs them. Owner: control-plane/approvals.

set local lock_timeout = '5s';
create table approvals (
  task_id text not null,
  approval_id text not null,
  gateway_id text not null,
  command text not null,
  cwd text not null,
  decisions text[] not null,
  requested_at timestamptz not null default now(),
  expires_at timestamptz,
  -- What somebody has answered; `lapsed` when the gateway no longer waited for it.
  decision text,
  decided_at timestamptz,
  primary key (task_id, approval_id),
  constraint approvals_decided_at_some_time check ((decision is null) = (decided_at is null))
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
create index approvals_requested on approvals (requested_at);
