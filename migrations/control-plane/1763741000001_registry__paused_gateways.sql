-- Gateways that get nothing new until they are resumed. Owner: control-plane/registry.
-- Apart from the status, which goes on to say how the gateway is.

set local lock_timeout = '5s';
alter table gateways
  add column paused_at timestamptz,
  add column pause_reason text,
  add constraint gateways_paused_with_a_reason check ((paused_at is null) = (pause_reason is null));

-- Every claim of a dispatcher looks here: one page, however many gateways there are.
create index gateways_paused on gateways (gateway_id) where paused_at is not null;
