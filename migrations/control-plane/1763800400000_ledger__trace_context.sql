-- The trace that a task belongs to: that of the request that handed it in. Owner: control-plane/ledger.

set local lock_timeout = '5s';
alter table tasks add column traceparent text, add column tracestate text;
comment on column tasks.traceparent is 'W3C trace context of the request that handed the task in; null: it was in no trace.';
comment on column tasks.tracestate is 'What tracing systems have added to it; null: nothing.';
