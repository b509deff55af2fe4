-- When the claim began that ended a task or gave it back: an update cannot return what it overwrites, and to look the row up
-- again for it would cost every end an index probe. Owner: control-plane/ledger.

set local lock_timeout = '5s';
alter table tasks add column claim_began_at timestamptz;
comment on column tasks.claim_began_at is 'When the last claim that has ended began; null until one has.';
