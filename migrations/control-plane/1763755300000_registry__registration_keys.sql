-- The answer to a registration may get lost, with the credential in it. Owner: control-plane/registry.

set local lock_timeout = '5s';
-- sha256 of the idempotency key of the last registration, hex: proves as much as the credential until that has been used.
alter table hosts add column registration_key_hash text;
