-- What each gateway has in flight is asked before every dispatch: counted from the dispatched tasks alone, however many
-- others pull workers hold. Those have no entry here, and pay nothing.
set local lock_timeout = '5s';
create index tasks_dispatched on tasks (dispatch_gateway_id) where gate = 5 and dispatch_gateway_id is not null;
