-- Which protocol a gateway speaks: ours, or that of a real OpenClaw gateway. Owner: control-plane/registry.

set local lock_timeout = '5s';
alter table gateways
  add column protocol text not null default 'skynet',
  add constraint gateways_known_protocol check (protocol in ('skynet', 'openclaw'));
