-- Ids are compared byte by byte, not by the rules of a language: the order that callers see is the same on every server,
-- and a comparison costs a fraction. Owner: control-plane/ledger.

set local lock_timeout = '5s';

alter table tasks alter column id type text collate "C";
alter table events alter column task_id type text collate "C";
alter table schedule_occurrences alter column task_id type text collate "C";
alter table schedules alter column last_task_id type text collate "C";
