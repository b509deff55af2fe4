-- Answers of mutations that named an x-idempotency-key. Owner: control-plane/idempotency.

create table idempotency_keys (
  -- sha256 of caller and route: two callers, or two routes, never share a key.
  scope text not null,
  key text not null,
  request_hash text not null,
  -- Null while a call that leaves the process is under way.
  body json,
  -- What was made up for the request before the call, so that a repetition sends the same.
  seed json,
  expires_at timestamptz not null,
  primary key (scope, key)
);
create index idempotency_keys_expiry on idempotency_keys (expires_at);
comment on column idempotency_keys.body is 'May hold a claim token: as secret as the claim, gone with it by expires_at.';
