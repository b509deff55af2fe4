-- What the way to real OpenClaw gateways has to remember. Owner: control-plane/gateway-client.

set local lock_timeout = '5s';

-- How a gateway is got into. What is secret is sealed with SKYNET_SECRETS_KEY, or stands in a file that is only named here.
create table openclaw_access (
  gateway_id text primary key,
  -- A credential is for the host that it was given for, and is never sent to another.
  host text not null,
  sealed_credential text,
  credential_file text,
  -- The Ed25519 key pair that identifies us there, and the token that the gateway gave us for it.
  sealed_device text,
  sealed_device_token text,
  -- A gateway that has just been registered or has said that it ends is given so long to come up.
  starting_until timestamptz not null,
  constraint openclaw_one_credential check (sealed_credential is null or credential_file is null)
);

-- Executions that a gateway may have begun, one row each from before the first byte is sent until the end is recorded.
create table openclaw_turns (
  execution_key text primary key,
  kind text not null check (kind in ('agent', 'tool')),
  task_id text not null,
  gateway_id text not null,
  -- Whether the ledger knows the key: what it no longer knows is aborted.
  of_ledger boolean not null,
  session_key text not null,
  -- The process of the gateway that the key was sent to; another one has forgotten it.
  boot_id text not null,
  sent_at timestamptz not null default now(),
  deadline_at timestamptz not null,
  abort_since timestamptz
) with (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.02, vacuum_truncate = off);
create index openclaw_turns_of_ledger on openclaw_turns (sent_at) where of_ledger;
