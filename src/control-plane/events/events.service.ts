import { Injectable } from '@nestjs/common';
import { Database, type Db } from '../../platform/database/database.js';
import {
  deleteEventsOf,
  type EventFilter,
  listAfterId,
  listAfterPosition,
  listNewest,
  type Position,
  type TaskEvent,
} from './events.queries.js';

/** Reading the log. It is written by the statements that make the changes; see {@link appendEvents}. */
@Injectable()
export class EventsService {
  constructor(private readonly database: Database) {}

  /** The newest `limit` events, oldest first. */
  listNewest(filter: EventFilter, limit: number): Promise<TaskEvent[]> {
    return listNewest(this.database, filter, limit);
  }

  /** The events above an id; see {@link listAfterPosition} for the form that misses nothing. */
  listAfterId(filter: EventFilter, afterId: number, limit: number): Promise<TaskEvent[]> {
    return listAfterId(this.database, filter, afterId, limit);
  }

  /** The events after a position of the log, none missed and none twice. */
  listAfterPosition(filter: EventFilter, after: Position, limit: number): Promise<TaskEvent[]> {
    return listAfterPosition(this.database, filter, after, limit);
  }

  /** Deletes the history of tasks that are themselves deleted; returns how many events there were. */
  deleteEventsOf(db: Db, taskIds: readonly string[]): Promise<number> {
    return deleteEventsOf(db, taskIds);
  }
}
