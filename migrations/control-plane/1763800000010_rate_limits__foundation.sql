-- Requests of a client in a minute, of all replicas together. Owner: control-plane/rate-limits. The counts may start anew
-- after a crash, so they write no log.

set local lock_timeout = '5s';

create unlogged table client_rates (
  -- An IPv4 address, or the /64 of an IPv6 one.
  client text not null,
  minute timestamptz not null,
  -- Those that replicas have taken for the client, answered or not.
  requests bigint not null,
  primary key (client, minute)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);
