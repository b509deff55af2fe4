-- What a claim counts of its hosts, in one look for all of them. Owner: control-plane/ledger.

-- The tasks of each host whose leases run, as they are when it is called. A statement sees what was committed when it
-- began, which for one that has waited for a lock is out of date; what a volatile function looks at is looked at anew. Its plan is kept by the session, so it must not be one for a table that was small when it was made.
create function live_leases(hosts text[]) returns table (host_id text, leases bigint) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off as $$
begin
  return query
    select t.locked_by, count(*) from tasks t
    where t.holder = 'host' and t.locked_by = any(hosts) and t.lease_expires_at > now() group by t.locked_by;
end
$$;
drop function live_leases(text);
