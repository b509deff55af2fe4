-- A claim is planned for any number of rows and takes a few. PostgreSQL may take the estimate for a reason to compile the
-- plan anew with every call, which takes a hundred times as long as the claim. By role and database, because a setting
-- of the session does not pass a pooler in transaction mode.
do $$
begin
  execute format('alter role %I in database %I set jit = off', session_user, current_database());
exception when insufficient_privilege then
  raise notice 'jit stays as the server has it: the role may not change its own settings. Set jit = off for the database.';
end
$$;
