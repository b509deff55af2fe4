-- What a claim counts of its hosts, in one look for all of them, and the index of jobs. Owner: control-plane/ledger.

set local lock_timeout = '5s';

-- Jobs but for those that are held, which have an index already: a claim adds no entry here.
drop index tasks_jobs;
create index tasks_jobs on tasks (seq) where kind <> 'action' and gate is distinct from 5;

-- The tasks of each host whose leases run, as they are when it is called. A statement sees what was committed when it
-- began, which for one that has waited for a lock is out of date; what a volatile function looks at is looked at anew.
-- Its plan is kept by the session, so it must not be one for a table that was small when it was made.
create function live_leases(hosts text[]) returns table (host_id text, leases bigint) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off as $$
begin
  return query
    select t.locked_by, count(*) from tasks t
    where t.holder = 'host' and t.locked_by = any(hosts) and t.lease_expires_at > now() group by t.locked_by;
end
$$;

-- A claim locks the row of its host, and then counts: that needs no number of claims any more.
alter table host_slots drop column claims;
