-- What model providers were used for, and which of them are given a rest. Owner: gateway/providers.

-- Requests and tokens of a provider in a UTC day. A request counts from the moment that it is sent; one that fails is
-- taken back.
create table gateway.provider_usage (
  provider text not null,
  day date not null,
  requests integer not null check (requests >= 0),
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  primary key (provider, day)
);

-- When a provider was last called: what lies within the last minute counts to its limit. Older ones go at the next call.
create table gateway.provider_rates (
  provider text primary key,
  attempts timestamptz[] not null
);

-- How a provider has lately answered, or one model of its chain. The model is empty for the provider itself.
create table gateway.provider_health (
  provider text not null,
  model text not null,
  -- Errors since the last success.
  errors integer not null default 0 check (errors >= 0),
  -- The latest 429 since the last success.
  limited_at timestamptz,
  -- Not chosen before this; of a model: tried after those that are not cooling.
  cooling_until timestamptz,
  -- Chosen after all others before this.
  last_until timestamptz,
  -- What went wrong last, without secrets.
  last_error text,
  primary key (provider, model)
);
