-- What the text of a migration was when it was applied, so that one that was edited afterwards is found. Written by
-- `migrate` of src/platform/database; null for those that an older release has applied, until a newer one has started.

set local lock_timeout = '5s';

alter table gateway_migrations add column checksum text;
