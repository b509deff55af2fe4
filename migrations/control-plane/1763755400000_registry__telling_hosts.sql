-- Which hosts say what they run of services. Owner: control-plane/registry.

set local lock_timeout = '5s';

alter table hosts add column tells_services boolean not null default false;
comment on column hosts.tells_services is
  'Whether its daemon names with registrations and heartbeats what it runs of services: what it lacks is found that way. To one that does not, as those of the original SkyClaw, what it has to start is handed again with every claim.';
