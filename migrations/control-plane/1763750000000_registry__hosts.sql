-- Hosts: workers that pull jobs and run services. Owner: control-plane/registry.

alter table workers
  add column kind text not null default 'worker' check (kind in ('worker', 'host')),
  -- After so much silence it is shown as offline.
  add column silent_after_ms integer not null default 60000 check (silent_after_ms > 0);

-- What a host has beside a worker. Changes at the word of an operator, not with every call.
create table hosts (
  host_id text primary key references workers (worker_id) on delete cascade,
  max_parallel integer not null check (max_parallel > 0),
  reported_active_leases integer,
  -- The host's own limit for payloads that name none.
  default_timeout_ms integer,
  -- sha256 of the credential, hex; null: none was given out, or it was taken away.
  token_hash text,
  -- The one before it, good until the host has used the new one: an answer may be lost on its way.
  previous_token_hash text,
  revoked_at timestamptz,
  cordoned_at timestamptz,
  drain_since timestamptz,
  drain_deadline timestamptz,
  reason text not null default '',
  check (drain_deadline is null or drain_since is not null)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 50);

comment on column hosts.reported_active_leases is 'What the host says; shown, never trusted.';
