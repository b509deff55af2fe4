-- What a replica's own clock said when it gave its last sign of life: `last_seen_at` is the same moment by the database's
-- clock. Owner: control-plane/cluster. Null: an older release, which does not say.

set local lock_timeout = '5s';

alter table replicas add column own_clock_at timestamptz;
