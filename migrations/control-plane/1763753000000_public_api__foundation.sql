-- The public API: keys, what they have used, the jobs that came in by them, and payments. Owner: control-plane/public-api.

create table public_keys (
  key_id text primary key,
  -- The first characters of the secret, by which people tell keys apart.
  prefix text not null,
  -- sha256 of the secret, hex. The secret itself is kept nowhere.
  hash text not null unique,
  label text not null,
  capabilities text[] not null check (cardinality(capabilities) > 0),
  may_shell boolean not null,
  may_image boolean not null,
  may_network boolean not null,
  expires_at timestamptz,
  -- Null: what SKYCLAW_PUBLIC_RATE_LIMIT_PER_MIN says; 0: as often as it likes.
  rate_per_minute integer check (rate_per_minute >= 0),
  -- Null: as many as it likes.
  monthly_jobs bigint check (monthly_jobs >= 0),
  price jsonb,
  created_at timestamptz not null default clock_timestamp(),
  last_used_at timestamptz,
  revoked_at timestamptz
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 100);
create index public_keys_newest on public_keys (created_at desc, key_id);

-- Requests of a key in a minute, of all replicas together. It may start anew after a crash, so it writes no log.
create unlogged table public_rates (
  key_id text not null,
  minute timestamptz not null,
  requests bigint not null,
  primary key (key_id, minute)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

-- Jobs that a key has handed in in a month (UTC), or has reserved by a payment that is under way.
create table public_months (
  key_id text not null,
  month date not null,
  jobs bigint not null check (jobs >= 0),
  primary key (key_id, month)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

-- Which key a job came in by: whose it is.
create table public_jobs (
  job_id text primary key,
  -- The id of a key of public_keys, or env_ and the hash of one of the environment.
  key_id text not null,
  seq bigint generated always as identity,
  created_at timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.05);
create index public_jobs_of_key on public_jobs (key_id, seq desc);
create index public_jobs_in_order on public_jobs (seq);

-- Payments that have been verified, and what has become of them: money for one job each.
create table public_payments (
  -- sha256 of what makes the payment this one, however it is written.
  hash text primary key,
  key_id text not null,
  -- sha256 of the request that it was sent with: it pays for no other.
  request_hash text not null,
  state text not null check (state in ('verified', 'settling', 'settled', 'failed')),
  x402_version smallint not null,
  payload jsonb not null,
  requirement jsonb not null,
  -- What is bought; null once it is there, or will never be.
  wanted jsonb,
  -- The month whose count holds a place for it; null when the key's jobs are not counted.
  month date,
  -- Whether an earlier attempt to settle may have gone through.
  is_uncertain boolean not null default false,
  attempts integer not null default 0,
  -- When whoever finds it may take it up: the end of a settling attempt's lease, or of a pause.
  due_at timestamptz not null,
  reason text not null default '',
  settlement jsonb,
  network text not null,
  -- On the network; empty where the facilitator names none.
  transaction text not null default '',
  job_id text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (job_id is null or state = 'settled'),
  check ((state = 'settled') = (settlement is not null)),
  check (wanted is not null or job_id is not null or state = 'failed')
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 100);
-- However a payment is written, a transaction pays once.
create unique index public_payments_transaction on public_payments (network, transaction)
  where transaction <> '' and state = 'settled';
create index public_payments_open on public_payments (due_at) where state <> 'failed' and job_id is null;
create index public_payments_over on public_payments (updated_at) where state = 'failed' or job_id is not null;
comment on column public_payments.wanted is 'May hold secrets of a job''s environment, as the job itself does.';
