import { Injectable } from '@nestjs/common';
import { type Db } from '../../platform/database/database.js';
import { addNote, type NoteType } from './queries/note.queries.js';

/** What is told of a task while it is executed. Nothing of the task changes. */
@Injectable()
export class TaskNotes {
  /** Appends an event; with a claim only while that is held. False when nothing was written. */
  add(
    db: Db,
    of: { readonly taskId: string; readonly claimToken?: string },
    note: { readonly type: NoteType; readonly message: string; readonly payload: object },
  ): Promise<boolean> {
    return addNote(db, of, note);
  }
}
