// Who gets what a claim finds: pieces of SQL, of which each offers `slots` with the workers that may have a task.
import { GATE } from '../domain/gate.js';
import { ROOMS } from './host-slots.queries.js';

/** The slots of $7 whose workers may use the same lanes as the claimer, in their order, as one array. */
export const SLOTS = `
   slots as materialized (
     select s.workers, s.workers as alike from (
     select coalesce(array_agg(s.worker_id order by s.n), '{}') as workers
     from claimer c, unnest($7::text[]) with ordinality s(worker_id, n)
     left join workers w on w.worker_id = s.worker_id
     where $1::text <> 'worker' or s.worker_id = $2::text
        or (w.gateway_id is not distinct from c.gateway_id and coalesce($3::text[], w.capabilities, '{}') = c.capabilities)
     ) s
   )`;

/** The same for hosts: each has as many slots as it has room for. `alike` are those of all with the same capabilities. */
export const HOST_SLOTS = `${ROOMS},
   slots as materialized (
     select coalesce(array_agg(s.worker_id order by s.n), '{}') as alike,
       coalesce(array_agg(s.worker_id order by s.n) filter (where s.nth <= r.room), '{}') as workers
     from claimer c, (
       select s.worker_id, s.n, row_number() over (partition by s.worker_id order by s.n) as nth
       from unnest($7::text[]) with ordinality s(worker_id, n)
     ) s
     left join workers w on w.worker_id = s.worker_id left join rooms r on r.host_id = s.worker_id
     where s.worker_id = $2::text or coalesce($3::text[], w.capabilities, '{}') = c.capabilities
   )`;

/** The same where one line is all that is ready: those who cannot do it have no slot. With a wrong line all have one. */
export const HOST_SLOTS_OF_SOLE_LINE = `${ROOMS},
   slots as materialized (
     select $7::text[] as alike, coalesce(array_agg(s.worker_id order by s.n), '{}') as workers
     from (
       select s.worker_id, s.n, row_number() over (partition by s.worker_id order by s.n) as nth
       from unnest($7::text[]) with ordinality s(worker_id, n)
     ) s
     join rooms r on r.host_id = s.worker_id and s.nth <= r.room
     join workers w on w.worker_id = s.worker_id
     where coalesce((
       select head.required_capabilities from turns p cross join lateral (
         select t.required_capabilities from tasks t
         where t.gate = ${GATE.runnable} and t.lane = p.lane and t.project_id = p.project_id order by t.rank limit 1
       ) head
     ) <@ w.capabilities, true)
   )`;
