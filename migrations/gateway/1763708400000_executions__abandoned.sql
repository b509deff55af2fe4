-- What nobody asked for again after its process died is found here when it is old enough to be forgotten. The renewal of
-- running executions changes no column of it.

create index executions_running on gateway.executions (started_at) where state = 'running';
