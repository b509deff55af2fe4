-- Who serves, what addresses are told of, and what came from elsewhere. Owner: control-plane/cluster.

-- A row for each replica that runs, written every ten seconds.
create table replicas (
  replica text primary key,
  node_id text not null,
  public_url text,
  started_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now()
) with (fillfactor = 50, autovacuum_vacuum_threshold = 50, autovacuum_vacuum_scale_factor = 0);

-- Addresses that somebody has announced. Nobody calls them.
create table peers (
  url text collate "C" primary key,
  joined_at timestamptz not null default now()
) with (fillfactor = 70, autovacuum_vacuum_threshold = 50, autovacuum_vacuum_scale_factor = 0.1);

-- Records that came with a snapshot, as they were there: what decides whether a later snapshot has something newer.
create table imported_records (
  kind text not null check (kind in ('host', 'job', 'service')),
  id text collate "C" not null,
  version bigint not null,
  updated_at text collate "C" not null,
  updated_by text collate "C" not null,
  mark text not null,
  primary key (kind, id)
) with (
  fillfactor = 90, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.05
);

comment on column imported_records.mark is
  'What its owner said of the record right after the import; as long as it says the same, nobody has changed the record here.';
