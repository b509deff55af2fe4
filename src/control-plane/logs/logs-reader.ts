import { Injectable } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { effectiveLimit } from '../../platform/http/cursor.js';
import { cursorOf, placeFrom } from './cursor.js';
import { type Subject } from './domain/subject.js';
import { LogStreamsService } from './follow/log-streams.service.js';
import { type LogsResponse, type ReadLogsQuery } from './logs.dto.js';
import { PagesService } from './pages.service.js';

/** Answers a request for an output, with a page or a stream. */
@Injectable()
export class LogsReader {
  constructor(
    private readonly pages: PagesService,
    private readonly streams: LogStreamsService,
  ) {}

  async answer(
    subject: Subject,
    { after, limit, follow }: ReadLogsQuery,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const lastEventId = request.headers['last-event-id'];
    const from = placeFrom(typeof lastEventId === 'string' ? lastEventId : undefined, after);
    if (!follow) {
      await reply.send(await this.page(subject, from, effectiveLimit(limit)));
    } else if (request.method === 'HEAD') {
      await reply.header('content-type', 'text/event-stream; charset=utf-8').send();
    } else {
      await this.streams.open(reply, subject, from);
    }
  }

  private async page(
    subject: Subject,
    from: ReturnType<typeof placeFrom>,
    limit: number,
  ): Promise<LogsResponse> {
    const { lines, at, end } = await this.pages.read(subject, from, Math.max(limit, 1));
    const truncated = await this.pages.isCut(subject);
    if (limit === 0) return { entries: [], next: cursorOf(from), truncated };
    return {
      entries: lines.map(({ line }) => line),
      ...(end === null ? { next: cursorOf(at) } : {}),
      truncated,
    };
  }
}
