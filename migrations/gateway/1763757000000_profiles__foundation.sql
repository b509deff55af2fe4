-- What is remembered of the people whom the gateway talks to, and whether anything may be. Owner: gateway/profiles.

create table gateway.profiles (
  telegram_user_id bigint primary key,
  memory_enabled boolean not null default true,
  created_at timestamptz not null default now()
);

create table gateway.profile_facts (
  telegram_user_id bigint not null references gateway.profiles on delete cascade,
  key text not null check (length(key) between 1 and 100),
  text text not null check (length(text) between 1 and 1000),
  remembered_at timestamptz not null default now(),
  primary key (telegram_user_id, key)
);
