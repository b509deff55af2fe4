import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { effectiveLimit } from '../../platform/http/cursor.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG } from '../runtime/index.js';
import { type EventFilter } from './event-filter.js';
import { filterOf, positionOf } from './event-query.js';
import { cursorOf, eventView } from './event-view.js';
import { EventListResponse, ListEventsQuery, type TaskEventView } from './events.dto.js';
import { type TaskEvent } from './events.queries.js';
import { EventsService } from './events.service.js';
import { Route } from '../../platform/http/route.decorator.js';

@ApiTags('events')
@Controller('v1/events')
export class EventsController {
  constructor(
    private readonly events: EventsService,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  @Get()
  @Route({ scope: 'tasks:read', project: { named: ['query.project_id'] } })
  @ApiOperation({ summary: 'Read the log of what happened to tasks' })
  @ApiOkResponse({ type: EventListResponse })
  @ApiProblems()
  async list(@Query() query: ListEventsQuery): Promise<EventListResponse> {
    const limit = effectiveLimit(query.limit);
    const filter = filterOf(query, query.since);
    if (query.after !== null) return this.follow(filter, query.after, 'after', limit);
    if (query.cursor !== null) return this.follow(filter, query.cursor, 'cursor', limit);
    if (limit === 0) return { events: [] };
    const events =
      query.after_id === null
        ? await this.events.listNewest(filter, limit)
        : await this.events.listAfterId(filter, query.after_id, limit);
    return { events: events.map((event) => this.view(event)) };
  }

  private async follow(
    filter: EventFilter,
    after: string,
    name: string,
    limit: number,
  ): Promise<EventListResponse> {
    const from = positionOf(after, name);
    if (limit === 0) return { events: [], position: cursorOf(from) };
    const { events, end, more } = await this.events.listAfterPosition(filter, from, limit);
    const position = cursorOf(end);
    return {
      events: events.map((event) => this.view(event)),
      ...(more ? { next_cursor: position } : {}),
      position,
    };
  }

  private view(event: TaskEvent): TaskEventView {
    return eventView(event, this.config.ledger.redactClaimTokens);
  }
}
