import { Controller, Get, Headers, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { ApiProblems } from '../../../platform/http/api-problems.js';
import { Route } from '../../../platform/http/route.decorator.js';
import { filterOf, positionOf } from '../event-query.js';
import { StreamEventsQuery } from '../events.dto.js';
import { StreamsService } from './streams.service.js';

const EXAMPLE = `retry: 2000
id: WyI3NDAiLDBd

id: WyI3NDEiLDEyXQ
event: succeeded
data: {"id":12,"task_id":"hello","event_type":"succeeded","from_status":"running","to_status":"succeeded", …}

: ping
id: WyI3NDIiLDBd

`;

@ApiTags('events')
@Controller('v1/events/stream')
export class StreamsController {
  constructor(private readonly streams: StreamsService) {}

  @Get()
  @Route({ scope: 'tasks:read', project: { named: ['query.project_id'] }, errors: 'problem' })
  @ApiOperation({
    summary: 'Follow the log as Server-Sent Events',
    description:
      'Each event has its position as `id`, its type as `event`, and as `data` the same JSON as in the list; none is ' +
      'missed, none comes twice, and those of a task come in order. A stream that breaks is resumed by `Last-Event-ID`, ' +
      'which an EventSource sends by itself. After a while of silence comes a comment, with the position reached so far. ' +
      'Two more events tell of the stream itself: `reset`, when it cannot go on from where it was asked to (`reason` ' +
      '`pruned`: events after that position have been deleted by retention; `unknown-position`: it was not given out by ' +
      'this database) and goes on from `position`, the oldest place from which the log is whole; and `end`, when the ' +
      'server shuts down (`reason` `shutting-down`), with the time to wait as `retry`. A client that takes nothing for ' +
      '30 s is cut off. The rate limit counts the connect only.',
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'The `id` of the last event that was received; wins over `after`.',
    schema: { type: 'string' },
  })
  @ApiOkResponse({
    description: 'The stream.',
    content: { 'text/event-stream': { schema: { type: 'string' }, example: EXAMPLE } },
  })
  @ApiProblems('too-many-streams', 'shutting-down')
  async follow(
    @Query() query: StreamEventsQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const filter = filterOf(query, null);
    const from =
      lastEventId !== undefined && lastEventId !== ''
        ? positionOf(lastEventId, 'last-event-id', 'header')
        : query.after === null
          ? null
          : positionOf(query.after, 'after');
    if (request.method === 'HEAD') {
      await reply.header('content-type', 'text/event-stream; charset=utf-8').send();
      return;
    }
    await this.streams.open(reply, filter, from);
  }
}
