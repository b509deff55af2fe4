import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { type Db } from '../../platform/database/database.js';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { Route } from '../../platform/http/route.decorator.js';
import { type Scope, scopes } from '../../platform/http/scopes.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { Problem } from '../../platform/problems/problem.js';
import { IdempotencyService } from '../idempotency/index.js';
import { blankToNull } from '../ledger/index.js';
import {
  apiKeyState,
  ApiKeyListResponse,
  ApiKeyResponse,
  CreateApiKeyRequest,
  ListApiKeysQuery,
  NewApiKeyResponse,
  RotateApiKeyRequest,
} from './api-keys.dto.js';
import { type KeyTerms } from './api-keys.queries.js';
import { ApiKeys, type NewApiKey } from './api-keys.service.js';

const KeyId = () => Param('id', StorablePipe);
const KeyIdParam = () => ApiParam({ name: 'id', description: 'The id of the key.' });

@ApiTags('keys')
@Controller('v1/keys')
export class ApiKeysController {
  constructor(
    private readonly keys: ApiKeys,
    private readonly idempotency: IdempotencyService,
  ) {}

  @Post()
  @HttpCode(200)
  @Route({
    ...{ scope: 'admin', project: { named: ['body.project_id'] } },
    ...{ errors: 'problem', access: 'operator' },
    audit: {
      action: 'key.create',
      subject: 'key.id',
      detail: ['label', 'scopes', 'project_id', 'expires_at'],
    },
  })
  @ApiOperation({ summary: 'Make a key of the API', description: 'The secret is shown this once.' })
  @ApiOkResponse({ type: NewApiKeyResponse })
  @ApiProblems('bad-request', 'idempotency-conflict')
  create(@Req() request: FastifyRequest, @Body() body: CreateApiKeyRequest): Promise<NewApiKeyResponse> {
    const terms = termsOf(body);
    return this.made(request, (db) => this.keys.create(db, terms));
  }

  @Get()
  @Route({
    ...{ scope: 'admin', project: { named: ['query.project_id'] } },
    ...{ errors: 'problem', access: 'operator' },
  })
  @ApiOperation({ summary: 'List the keys of the API, newest first' })
  @ApiOkResponse({ type: ApiKeyListResponse })
  @ApiProblems()
  async list(@Query() query: ListApiKeysQuery): Promise<ApiKeyListResponse> {
    const limit = effectiveLimit(query.limit);
    const [createdAt, id] =
      query.cursor === null ? [null, ''] : decodeCursor(query.cursor, ['instant', 'string']);
    if (limit === 0) return { keys: [] };
    const after =
      createdAt === null ? null : { createdAt: String(createdAt), id: String(id).replaceAll('\0', '') };
    const found = await this.keys.list({ after, projectId: blankToNull(query.project_id) }, limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      keys: page.map(apiKeyState),
      ...(found.length > limit && last !== undefined
        ? { next_cursor: encodeCursor([last.createdAt, last.id]) }
        : {}),
    };
  }

  @Post(':id/rotate')
  @HttpCode(200)
  @Route({
    ...{ scope: 'admin', errors: 'problem', access: 'operator' },
    audit: { action: 'key.rotate', detail: ['overlap_seconds'] },
  })
  @KeyIdParam()
  @ApiOperation({
    summary: 'Make a key in place of another, which goes on working for a while',
    description: 'The secret is shown this once.',
  })
  @ApiOkResponse({ type: NewApiKeyResponse })
  @ApiProblems('api-key-not-found', 'idempotency-conflict')
  rotate(
    @Req() request: FastifyRequest,
    @KeyId() id: string,
    @Body() body: RotateApiKeyRequest,
  ): Promise<NewApiKeyResponse> {
    return this.made(request, (db) => this.keys.rotate(db, id, body.overlap_seconds));
  }

  @Delete(':id')
  @Route({ scope: 'admin', errors: 'problem', access: 'operator', audit: { action: 'key.revoke' } })
  @KeyIdParam()
  @ApiOperation({ summary: 'Take a key out of use, for good and within a second' })
  @ApiOkResponse({ type: ApiKeyResponse })
  @ApiProblems('api-key-not-found')
  revoke(@Req() request: FastifyRequest, @KeyId() id: string): Promise<ApiKeyResponse> {
    return this.idempotency.run(request, async (db) => ({
      key: apiKeyState(await this.keys.revoke(db, id)),
    }));
  }

  /** A secret must not lie in the store of answers: a repetition gets the key without it. */
  private async made(
    request: FastifyRequest,
    make: (db: Db) => Promise<NewApiKey>,
  ): Promise<NewApiKeyResponse> {
    let secret: string | null = null;
    const answer = await this.idempotency.run(request, async (db) => {
      const made = await make(db);
      secret = made.secret;
      return { key: apiKeyState(made.key) };
    });
    return { ...answer, secret };
  }
}

function termsOf(body: CreateApiKeyRequest): KeyTerms {
  const label = body.label.trim();
  if (label === '') throw new Problem('bad-request', 'label is required');
  const wanted = [...new Set(body.scopes)];
  const unknown = wanted.find((scope) => !(scopes as readonly string[]).includes(scope));
  if (unknown !== undefined) {
    throw new Problem('bad-request', `Unknown scope '${unknown}'; there are ${scopes.join(', ')}.`);
  }
  if (wanted.length === 0) {
    throw new Problem('bad-request', `scopes must name at least one of ${scopes.join(', ')}.`);
  }
  if (body.expires_at !== null && Date.parse(body.expires_at) <= Date.now()) {
    throw new Problem('bad-request', 'expires_at must lie in the future');
  }
  const projectId = blankToNull(body.project_id);
  return { label, scopes: wanted as Scope[], projectId, expiresAt: body.expires_at };
}
