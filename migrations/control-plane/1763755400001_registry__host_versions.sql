-- How often a host was written, and by whom, as SkyClaw tells of it. Owner: control-plane/registry.

set local lock_timeout = '5s';

alter table workers add column version bigint not null default 0, add column updated_by text not null default '';
comment on column workers.version is 'Of hosts alone: grows with every registration, heartbeat and word of an operator.';
comment on column workers.updated_by is 'Of hosts alone: the node id of the replica that wrote it last.';
