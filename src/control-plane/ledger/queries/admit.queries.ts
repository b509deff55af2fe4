import { type Tx } from '../../../platform/database/database.js';
import { statement } from '../../../platform/database/statement.js';
import { type Applicant } from '../domain/admission.js';
import { GATE } from '../domain/gate.js';
import { type ClaimedTask, type Claimer } from '../domain/task.js';
import { claimColumns, claimEvents, gatewayFor, NEW_TOKEN } from './claim-columns.js';
import { type Wanted } from './claim.queries.js';
import { gatewaysOf } from './discovery.js';
import { PAUSED } from './pause.queries.js';
import { claimedFromRow, TASK_COLUMNS } from './task-row.js';

const ADMIT = statement(
  'ledger.admit',
  `with ${PAUSED}, claimed as (
     update tasks t set ${claimColumns('w', '$5::boolean')}
     from (
       select old.seq, old.status, w.worker_id, ${NEW_TOKEN} as token, ${gatewayFor('old', '$5::boolean')} as gateway_id
       from unnest($2::bigint[], $3::text[]) w(seq, worker_id) join tasks old on old.seq = w.seq
     ) w
     where t.seq = w.seq and t.gate = ${GATE.runnable}
       and (w.gateway_id is not null or not ($5::boolean and $1::text = 'dispatcher'))
     returning ${TASK_COLUMNS}, w.status as from_status
   ), locks as (
     insert into file_locks (project_id, path, prefix, mode, task_seq, file_path)
     select c.project_id, f.path, f.prefix, f.mode, c.seq, f.name
     from unnest($6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[]) f(seq, path, prefix, mode, name)
     join claimed c on c.seq = f.seq order by f.path
   ), holds as (
     insert into concurrency_holds (task_seq, project_id, key)
     select c.seq, c.project_id, c.concurrency_key from claimed c where c.concurrency_key is not null
   ), waits as (
     delete from file_waits w using claimed c where w.task_seq = c.seq
   ), ${claimEvents('$5::boolean')}
   select * from claimed order by array_position($2::bigint[], seq)`,
  { plan: 'once' },
);

/**
 * Claims tasks that {@link lockCandidates} has locked, together with all of their files and places, each for the worker in
 * its slot. The caller holds the lock of the project and has seen that all of them may have these together. One whose
 * gateways have been paused since they were locked is left out.
 */
export async function admit(
  tx: Tx,
  claimer: Claimer,
  winners: readonly Applicant[],
  { slots, start }: Wanted,
): Promise<ClaimedTask[]> {
  if (winners.length === 0) return [];
  const owned = winners.flatMap(({ seq, files }) => files.map((file) => ({ seq, ...file })));
  const rows = await tx.query(ADMIT, [
    claimer.holder,
    winners.map(({ seq }) => seq),
    slots.slice(0, winners.length),
    gatewaysOf(claimer),
    start,
    owned.map(({ seq }) => seq),
    owned.map(({ pattern }) => pattern.text),
    owned.map(({ pattern }) => pattern.prefix),
    owned.map(({ mode }) => mode),
    owned.map(({ name }) => name),
  ]);
  return rows.map(claimedFromRow);
}
