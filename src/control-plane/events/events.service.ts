import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { type Position } from './domain/position.js';
import { type EventFilter } from './event-filter.js';
import { listAfterId, listNewest, readPage, type TaskEvent } from './events.queries.js';

/** So many readings one request may cost that looks for rare events; the rest is for the next page. */
const MAX_READINGS = 20;

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

  /** The events after a position of the log, none missed and none twice; and where to go on. */
  async listAfterPosition(
    filter: EventFilter,
    after: Position,
    limit: number,
  ): Promise<{ events: TaskEvent[]; end: Position; more: boolean }> {
    const events: TaskEvent[] = [];
    let [end, more] = [after, true];
    for (let reading = 0; more && events.length < limit && reading < MAX_READINGS; reading++) {
      const page = await readPage(this.database, filter, end, limit - events.length);
      events.push(...page.events);
      ({ end, more } = page);
    }
    return { events, end, more };
  }
}
