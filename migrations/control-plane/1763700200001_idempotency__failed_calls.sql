-- A call that failed leaves its seed for a repetition, and its key to any other request.

set local lock_timeout = '5s';
alter table idempotency_keys add column failed boolean not null default false;
comment on column idempotency_keys.failed is 'The call that left the process has failed: the same request is sent again with the same seed, another one may take the key.';
