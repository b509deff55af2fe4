-- When a record was last imported: what is known of that is not needed for ever. Owner: control-plane/cluster.

set local lock_timeout = '5s';

alter table imported_records add column imported_at timestamptz not null default now();
create index imported_records_age on imported_records (imported_at);
