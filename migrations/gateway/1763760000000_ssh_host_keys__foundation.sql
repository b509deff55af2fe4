-- The keys of SSH hosts that were trusted when they were first seen, and are held to it. Owner: gateway/ssh.

create table gateway.ssh_host_keys (
  host text not null,
  port integer not null check (port between 1 and 65535),
  -- The wire form of the public key, in base64.
  public_key text not null,
  trusted_at timestamptz not null default now(),
  primary key (host, port)
);
