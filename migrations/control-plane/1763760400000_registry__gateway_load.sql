-- What a gateway that registers itself says of its build and of how much it can take. Owner: control-plane/registry. Whoever
-- else has registered a gateway says nothing of it. None is indexed: a sign of life stays a HOT update.

set local lock_timeout = '5s';
alter table gateways
  add column version text,
  add column slots integer,
  add column load integer,
  add constraint gateways_slots check (slots >= 1),
  add constraint gateways_load check (load >= 0);
