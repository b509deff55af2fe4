-- Gateways and workers. Owner: control-plane/registry.

create table gateways (
  gateway_id text primary key,
  host text not null,
  capabilities text[] not null default '{}',
  -- What probes and transport failures say now, and what the operator declared, which a good probe restores.
  status text not null,
  declared_status text not null,
  status_reason text not null default '',
  metadata json not null default '{}',
  registered_at timestamptz not null default now(),
  last_heartbeat timestamptz not null default now(),
  last_used_at timestamptz
);

create table workers (
  worker_id text primary key,
  gateway_id text,
  capabilities text[] not null default '{}',
  status text not null,
  capacity json not null default '{}',
  metadata json not null default '{}',
  -- Once a worker has sent a heartbeat, its silence means something.
  uses_heartbeat boolean not null default false,
  registered_at timestamptz not null default now(),
  last_heartbeat timestamptz not null default now()
) with (fillfactor = 70);
