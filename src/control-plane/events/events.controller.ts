import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { parseInstant } from '../../platform/http/parse-instant.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG } from '../runtime/index.js';
import { EventListResponse, ListEventsQuery, type TaskEventView } from './events.dto.js';
import { type EventFilter, type Position, type TaskEvent } from './events.queries.js';
import { EventsService } from './events.service.js';

const BEGINNING: Position = { txid: '0', id: 0 };

@ApiTags('events')
@Controller('v1/events')
export class EventsController {
  constructor(
    private readonly events: EventsService,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Read the log of what happened to tasks' })
  @ApiOkResponse({ type: EventListResponse })
  @ApiProblems()
  async list(@Query() query: ListEventsQuery): Promise<EventListResponse> {
    const limit = effectiveLimit(query.limit);
    const filter = { taskId: query.task_id === '' ? null : query.task_id, since: sinceOf(query.since) };
    const after = query.after ?? query.cursor;
    if (after !== null) return this.follow(filter, after, limit);
    if (limit === 0) return { events: [] };
    const events =
      query.after_id === null
        ? await this.events.listNewest(filter, limit)
        : await this.events.listAfterId(filter, query.after_id, limit);
    return { events: events.map((event) => this.view(event)) };
  }

  private async follow(filter: EventFilter, after: string, limit: number): Promise<EventListResponse> {
    const from = after === '' ? BEGINNING : positionOf(after);
    const events = limit === 0 ? [] : await this.events.listAfterPosition(filter, from, limit + 1);
    const page = events.slice(0, limit);
    const last = page.at(-1) ?? from;
    const position = encodeCursor([last.txid, last.id]);
    return {
      events: page.map((event) => this.view(event)),
      ...(events.length > limit ? { next_cursor: position } : {}),
      position,
    };
  }

  private view(event: TaskEvent): TaskEventView {
    return {
      id: event.id,
      task_id: event.taskId,
      event_type: event.eventType,
      from_status: event.fromStatus,
      to_status: event.toStatus,
      worker_id: event.workerId,
      claim_token: this.config.ledger.redactClaimTokens ? null : event.claimToken,
      message: event.message,
      payload: event.payload,
      created_at: event.createdAt,
    };
  }
}

function positionOf(cursor: string): Position {
  const [txid, id] = decodeCursor(cursor, ['string', 'number'], 'after');
  if (!/^\d{1,19}$/.test(String(txid))) decodeCursor('', [], 'after');
  return { txid: String(txid), id: Number(id) };
}

function sinceOf(since: string | null): string | null {
  if (since === null || since.trim() === '') return null;
  const instant = parseInstant(since);
  if (instant !== null) return instant;
  throw new Problem('invalid-request', 'since: Input should be a valid datetime', {
    issues: [
      {
        type: 'datetime_from_date_parsing',
        loc: ['query', 'since'],
        msg: 'Input should be a valid datetime',
        input: since,
      },
    ],
  });
}
