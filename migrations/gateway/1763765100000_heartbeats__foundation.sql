-- Jobs that recur, each done by one gateway at a time. Owner: gateway/heartbeats.
create table gateway.heartbeats (
  name text primary key,
  due_at timestamptz not null,
  -- Who does it now, by a token of its own, and until when it is believed to.
  holder text,
  held_until timestamptz,
  -- The gateway that does it, or has done it last.
  gateway text,
  started_at timestamptz,
  ended_at timestamptz,
  outcome text check (outcome in ('succeeded', 'skipped', 'failed')),
  message text not null default '',
  -- How often it has come to an end.
  runs bigint not null default 0,
  check ((holder is null) = (held_until is null)),
  check ((outcome is null) = (ended_at is null))
);

-- What the last looks at the components have found. Owner: gateway/sentinel.
create table gateway.health_checks (
  id bigint generated always as identity primary key,
  checked_at timestamptz not null default now(),
  gateway text not null,
  -- {component: {"state": …, "detail": …}}
  findings json not null
);

-- The usage of providers as it was at certain times. Owner: gateway/providers.
create table gateway.provider_usage_snapshots (
  id bigint generated always as identity primary key,
  taken_at timestamptz not null default now(),
  provider text not null,
  day date not null,
  requests integer not null,
  input_tokens bigint not null,
  output_tokens bigint not null
);
create index provider_usage_snapshots_taken on gateway.provider_usage_snapshots (taken_at);
