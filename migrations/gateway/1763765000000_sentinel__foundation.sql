-- What the sentinel of the gateways knows together. Owner: gateway/sentinel.
create table gateway.sentinel_components (
  component text primary key
    check (component in ('chathan_worker', 'scheduler_queue', 'database', 's3_storage')),
  -- Whether an alert was raised after which no recovery was told.
  is_down boolean not null default false,
  alerted_at timestamptz
);
insert into gateway.sentinel_components (component)
values ('chathan_worker'), ('scheduler_queue'), ('database'), ('s3_storage');

-- A component that a gateway finds down, written again at each look as long as it does. A gateway that has ended says
-- nothing more: what it has found counts only while it is fresh.
create table gateway.sentinel_failures (
  component text not null references gateway.sentinel_components,
  gateway text not null,
  detail text not null,
  since timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  primary key (component, gateway)
);

-- Alerts and recoveries. `told`: somebody was told of it over Telegram, or need not be; until then it is offered to a
-- gateway with a bot at `tell_at`.
create table gateway.sentinel_alerts (
  id bigint generated always as identity primary key,
  component text not null references gateway.sentinel_components,
  kind text not null check (kind in ('alert', 'recovery')),
  message text not null,
  created_at timestamptz not null default now(),
  told boolean not null default false,
  tell_at timestamptz not null default now()
);
