-- How often an operator has spoken of a host: tells one that was imported and left alone since. Owner: control-plane/registry.

set local lock_timeout = '5s';

alter table hosts add column orders bigint not null default 0;
