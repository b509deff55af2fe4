import { type Tx } from '../../../platform/database/database.js';
import { statement } from '../../../platform/database/statement.js';
import { appendEvents } from '../../events/index.js';

const TELL = statement(
  'ledger.tellConflicts',
  `with told as (
     insert into file_conflicts (task_seq, owner_seq)
     select c.task_seq, c.owner_seq from unnest($1::bigint[], $2::bigint[]) c(task_seq, owner_seq)
     on conflict do nothing
     returning task_seq, owner_seq
   ), conflicts as (
     select t.id, t.version, t.status, c.path, owner.id as owner_id
     from told join unnest($1::bigint[], $2::bigint[], $3::text[]) c(task_seq, owner_seq, path)
       on c.task_seq = told.task_seq and c.owner_seq = told.owner_seq
     join tasks t on t.seq = told.task_seq join tasks owner on owner.seq = told.owner_seq
   )
   ${appendEvents('conflicts', {
     type: 'claim_conflict',
     from: 'status',
     to: 'status',
     message: `'Claim reverted due to required-file ownership conflict.'`,
     payload: `json_build_object('file_path', path, 'owner_task_id', owner_id)`,
   })}`,
);

/** A task that could not be admitted, who was in the way, and on which of its files. */
export interface LostClaim {
  readonly seq: number;
  readonly ownerSeq: number;
  readonly name: string;
}

/** Writes lost claims into the log, once for each task and owner. */
export async function tellConflicts(tx: Tx, lost: readonly LostClaim[]): Promise<void> {
  if (lost.length === 0) return;
  await tx.query(TELL, [
    lost.map(({ seq }) => seq),
    lost.map(({ ownerSeq }) => ownerSeq),
    lost.map(({ name }) => name),
  ]);
}
