-- A drain: a pause with the wish that what is executed there comes to its end, by a time if one is given. Owner:
-- control-plane/registry. It ends with the pause; who knows of pauses only leaves the columns behind, so they count only
-- while the gateway is paused.

set local lock_timeout = '5s';
alter table gateways
  add column drain_since timestamptz,
  add column drain_deadline timestamptz,
  add constraint gateways_deadline_of_a_drain check (drain_deadline is null or drain_since is not null);
