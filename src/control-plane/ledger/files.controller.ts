import { Body, Controller, Get, HttpCode, Inject, Post, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { type ControlPlaneConfig } from '../config.js';
import { IdempotencyService } from '../idempotency/index.js';
import { CONFIG } from '../runtime/index.js';
import { ClaimsService } from './claims.service.js';
import { ClaimFileRequest, ClaimFileResponse, ListOwnershipQuery, OwnershipResponse } from './ledger.dto.js';
import { LedgerReader } from './reader.service.js';
import { fileOwnership } from './task-view.js';

@ApiTags('files')
@Controller('v1/files')
export class FilesController {
  constructor(
    private readonly claims: ClaimsService,
    private readonly reader: LedgerReader,
    private readonly idempotency: IdempotencyService,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  @Get('ownership')
  @ApiOperation({ summary: 'List who owns which file, by path' })
  @ApiOkResponse({ type: OwnershipResponse })
  @ApiProblems()
  async ownership(@Query() query: ListOwnershipQuery): Promise<OwnershipResponse> {
    const limit = effectiveLimit(query.limit);
    const [projectId, path] =
      query.cursor === null ? ['', ''] : decodeCursor(query.cursor, ['string', 'string']);
    if (limit === 0) return { ownership: [] };
    const owned = await this.reader.listOwnership(
      { projectId: String(projectId), path: String(path) },
      limit + 1,
    );
    const page = owned.slice(0, limit);
    const last = page.at(-1);
    const showToken = !this.config.ledger.redactClaimTokens;
    return {
      ownership: page.map((entry) => fileOwnership(entry, { showToken })),
      ...(owned.length > limit && last !== undefined
        ? { next_cursor: encodeCursor([last.projectId, last.path]) }
        : {}),
    };
  }

  @Post('claim')
  @HttpCode(200)
  @ApiOperation({ summary: 'Take one more file for a task that is held' })
  @ApiOkResponse({ type: ClaimFileResponse })
  @ApiProblems('idempotency-conflict')
  claim(@Req() request: FastifyRequest, @Body() body: ClaimFileRequest): Promise<ClaimFileResponse> {
    return this.idempotency.run(request, async (db) => {
      const { ok, ownerId } = await this.claims.takeFile(db, {
        taskId: body.task_id,
        claimToken: body.claim_token,
        name: body.file_path,
      });
      return { ok, owner_task_id: ownerId };
    });
  }
}
