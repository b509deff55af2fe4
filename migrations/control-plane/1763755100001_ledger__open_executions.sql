-- Tasks that a gateway may be executing although nobody holds them: few, and asked for when it is drained. Those that are
-- held have an index already. Owner: control-plane/ledger.

set local lock_timeout = '5s';
create index tasks_open_executions on tasks (dispatch_gateway_id) where gate between 0 and 4 and dispatch_gateway_id is not null;
