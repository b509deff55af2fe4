-- Keys of the API that operators make. Owner: control-plane/api-keys.

set local lock_timeout = '5s';

create table api_keys (
  key_id text primary key,
  -- The first characters of the secret, by which people tell keys apart.
  prefix text not null,
  -- sha256 of the secret, hex. The secret itself is kept nowhere.
  hash text not null unique,
  label text not null,
  scopes text[] not null check (cardinality(scopes) > 0),
  -- The only project that it sees and touches; null: all.
  project_id text,
  -- The key that it was made in place of.
  rotated_from text,
  expires_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  last_used_at timestamptz,
  revoked_at timestamptz
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 100);
create index api_keys_newest on api_keys (created_at desc, key_id);
