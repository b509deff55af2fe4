import { type Db } from '../../../platform/database/database.js';
import { statement } from '../../../platform/database/statement.js';
import { appendEvents, type EventType } from '../../events/index.js';
import { GATE } from '../domain/gate.js';

/** What may be told of a task without changing it. */
export type NoteType = Extract<EventType, 'turn_text' | 'approval_requested' | 'approval_resolved'>;

const noteOf = (type: NoteType) =>
  statement(
    `ledger.note.${type}`,
    `with noted as (
       select t.id, t.version, t.locked_by from tasks t
       where t.id = $1::text and ($2::text is null or (t.claim_token = $2::text and t.gate = ${GATE.held}))
     ), logged as (
       ${appendEvents('noted', { type, worker: 'locked_by', message: '$3::text', payload: '$4::json' })}
     )
     select id from noted`,
  );

const NOTES: Readonly<Record<NoteType, ReturnType<typeof noteOf>>> = {
  turn_text: noteOf('turn_text'),
  approval_requested: noteOf('approval_requested'),
  approval_resolved: noteOf('approval_resolved'),
};

/** Appends an event to a task's log, for as long as the claim is held if one is named. False when nothing was written. */
export async function addNote(
  db: Db,
  { taskId, claimToken }: { readonly taskId: string; readonly claimToken?: string },
  { type, message, payload }: { readonly type: NoteType; readonly message: string; readonly payload: object },
): Promise<boolean> {
  const rows = await db.query(NOTES[type], [taskId, claimToken ?? null, message, JSON.stringify(payload)]);
  return rows.length > 0;
}
