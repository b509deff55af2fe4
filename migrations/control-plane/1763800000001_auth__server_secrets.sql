-- Secrets that all replicas share and nobody is shown. Owner: control-plane/auth.

set local lock_timeout = '5s';

create table server_secrets (
  name text primary key,
  secret bytea not null,
  created_at timestamptz not null default now()
);
