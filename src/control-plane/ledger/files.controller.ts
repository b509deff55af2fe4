import { Body, Controller, Get, HttpCode, Inject, Post, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { Route } from '../../platform/http/route.decorator.js';
import { type ControlPlaneConfig } from '../config.js';
import { IdempotencyService } from '../idempotency/index.js';
import { CONFIG } from '../runtime/index.js';
import { ClaimsService } from './claims.service.js';
import {
  ClaimFileRequest,
  ClaimFileResponse,
  FreeFilesRequest,
  FreeFilesResponse,
  ListOwnershipQuery,
  OwnershipResponse,
  ReleaseFilesRequest,
  ReleaseFilesResponse,
  WaitersResponse,
} from './files.dto.js';
import { FileOrders } from './file-orders.service.js';
import { LedgerReader } from './reader.service.js';
import { fileOwnership, fileWaiter } from './task-view.js';

@ApiTags('files')
@Controller('v1/files')
export class FilesController {
  constructor(
    private readonly claims: ClaimsService,
    private readonly orders: FileOrders,
    private readonly reader: LedgerReader,
    private readonly idempotency: IdempotencyService,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  @Get('ownership')
  @Route({ scope: 'tasks:read', project: { named: ['query.project_id'] } })
  @ApiOperation({ summary: 'List who owns which file, by path' })
  @ApiOkResponse({ type: OwnershipResponse })
  @ApiProblems()
  async ownership(@Query() query: ListOwnershipQuery): Promise<OwnershipResponse> {
    const limit = effectiveLimit(query.limit);
    const [projectId, path, taskSeq] =
      query.cursor === null ? ['', '', 0] : decodeCursor(query.cursor, ['string', 'string', 'number']);
    if (limit === 0) return { ownership: [] };
    const owned = await this.reader.listOwnership(
      { projectId: String(projectId), path: String(path), taskSeq: Number(taskSeq) },
      blankToNull(query.project_id),
      limit + 1,
    );
    const page = owned.slice(0, limit);
    const last = page.at(-1);
    const waiters = await this.reader.waitersOf(page);
    const showToken = !this.config.ledger.redactClaimTokens;
    return {
      ownership: page.map((entry) => fileOwnership(entry, { showToken, waiters: waiters.get(entry) ?? [] })),
      ...(owned.length > limit && last !== undefined
        ? { next_cursor: encodeCursor([last.projectId, last.path, last.taskSeq]) }
        : {}),
    };
  }

  @Get('waiters')
  @Route({ scope: 'tasks:read', project: { named: ['query.project_id'] } })
  @ApiOperation({ summary: 'List which tasks wait for which files, in the order of arrival' })
  @ApiOkResponse({ type: WaitersResponse })
  @ApiProblems()
  async waiters(@Query() query: ListOwnershipQuery): Promise<WaitersResponse> {
    const limit = effectiveLimit(query.limit);
    const [taskSeq, path] =
      query.cursor === null ? [0, ''] : decodeCursor(query.cursor, ['number', 'string']);
    if (limit === 0) return { waiters: [] };
    const found = await this.reader.listWaiters(
      { taskSeq: Number(taskSeq), path: String(path) },
      blankToNull(query.project_id),
      limit + 1,
    );
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      waiters: page.map(fileWaiter),
      ...(found.length > limit && last !== undefined
        ? { next_cursor: encodeCursor([last.taskSeq, last.path]) }
        : {}),
    };
  }

  @Post('claim')
  @HttpCode(200)
  @Route({ scope: 'claims', project: { tasks: ['body.task_id'] }, byRun: true })
  @ApiOperation({
    summary: 'Take one more file, folder or glob for a task that is held: at once or not at all',
  })
  @ApiOkResponse({ type: ClaimFileResponse })
  @ApiProblems('idempotency-conflict')
  claim(@Req() request: FastifyRequest, @Body() body: ClaimFileRequest): Promise<ClaimFileResponse> {
    return this.idempotency.run(request, async (db) => {
      const proof = { taskId: body.task_id, claimToken: body.claim_token };
      const { ok, owners } = await this.claims.takeFile(db, proof, { path: body.file_path, mode: body.mode });
      return { ok, owner_task_id: owners[0] ?? null, owner_task_ids: [...owners] };
    });
  }

  @Post('release')
  @HttpCode(200)
  @Route({ scope: 'claims', project: { tasks: ['body.task_id'] }, byRun: true, errors: 'problem' })
  @ApiOperation({ summary: 'Give files of a held task back before it ends' })
  @ApiOkResponse({ type: ReleaseFilesResponse })
  @ApiProblems('idempotency-conflict')
  release(@Req() request: FastifyRequest, @Body() body: ReleaseFilesRequest): Promise<ReleaseFilesResponse> {
    return this.idempotency.run(request, async (db) => {
      const proof = { taskId: body.task_id, claimToken: body.claim_token };
      const released = await this.claims.releaseFiles(db, proof, body.paths);
      return { ok: released !== null, released: [...(released ?? [])] };
    });
  }

  @Post('free')
  @HttpCode(200)
  @Route({
    scope: 'files:admin',
    audit: { action: 'files.free', detail: ['project_id', 'path', 'reason'] },
    project: { named: ['body.project_id'] },
    errors: 'problem',
    access: 'operator',
  })
  @ApiOperation({
    summary:
      'Take files from whoever holds them: the claims of their tasks end, and the tasks are ready again',
  })
  @ApiOkResponse({ type: FreeFilesResponse })
  @ApiProblems('bad-request', 'idempotency-conflict')
  free(@Req() request: FastifyRequest, @Body() body: FreeFilesRequest): Promise<FreeFilesResponse> {
    const { project_id: projectId, path, reason } = body;
    return this.idempotency.run(request, async (db) => {
      const { released, kept } = await this.orders.free(db, { projectId, path, reason });
      return { released: [...released], kept: [...kept] };
    });
  }
}

function blankToNull(value: string | null): string | null {
  return value === '' ? null : value;
}
