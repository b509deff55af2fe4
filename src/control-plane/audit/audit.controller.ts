import { Readable } from 'node:stream';
import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { Route } from '../../platform/http/route.decorator.js';
import { AuditEntryState, AuditListResponse, entryState, ListAuditQuery } from './audit.dto.js';
import { type AuditEntry, type EntryFilter } from './audit.queries.js';
import { Audit } from './audit.service.js';

@ApiTags('audit')
@ApiExtraModels(AuditListResponse, AuditEntryState)
@Controller('v1/audit')
export class AuditController {
  constructor(private readonly audit: Audit) {}

  @Get()
  @Route({ scope: 'admin', errors: 'problem', access: 'operator' })
  @ApiOperation({ summary: 'Read who did which administrative act, when and from where' })
  @ApiOkResponse({
    description: 'A page, or with `format=ndjson` all entries, an object of `entries` a line.',
    content: {
      'application/json': { schema: { $ref: getSchemaPath(AuditListResponse) } },
      'application/x-ndjson': { schema: { type: 'string' } },
    },
  })
  @ApiProblems()
  async list(
    @Query() query: ListAuditQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AuditListResponse | Readable> {
    const filter = filterOf(query);
    if (query.format === 'ndjson') {
      void reply.type('application/x-ndjson; charset=utf-8');
      return Readable.from(lines(this.audit.all(filter)));
    }
    const limit = effectiveLimit(query.limit);
    const [before] = query.cursor === null ? [null] : decodeCursor(query.cursor, ['number']);
    if (limit === 0) return { entries: [] };
    const found = await this.audit.list(filter, before === null ? null : Number(before), limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      entries: page.map(entryState),
      ...(found.length > limit && last !== undefined ? { next_cursor: encodeCursor([last.id]) } : {}),
    };
  }
}

function filterOf({ actor, action, subject, since, until }: ListAuditQuery): EntryFilter {
  return {
    actor: emptyToNull(actor),
    action: emptyToNull(action),
    subject: emptyToNull(subject),
    since,
    until,
  };
}

function emptyToNull(value: string | null): string | null {
  return value === '' ? null : value;
}

async function* lines(entries: AsyncIterable<AuditEntry>): AsyncGenerator<string> {
  for await (const entry of entries) yield `${JSON.stringify(entryState(entry))}\n`;
}
