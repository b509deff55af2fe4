import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import { IdempotencyService } from '../idempotency/index.js';
import { capabilitySet } from '../ledger/index.js';
import { CONFIG } from '../runtime/index.js';
import { type Price, readPrice } from './domain/price.js';
import {
  CreatePublicKeyRequest,
  CreatePublicKeyResponse,
  keyState,
  ListPublicKeysQuery,
  PublicKeyListResponse,
  PublicKeyResponse,
} from './keys.dto.js';
import { type NewKey } from './keys.queries.js';
import { PublicKeys } from './keys.service.js';

@ApiTags('public keys')
@Controller('v1/public-keys')
export class PublicKeysController {
  constructor(
    private readonly keys: PublicKeys,
    private readonly idempotency: IdempotencyService,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  @Post()
  @HttpCode(200)
  @Route({
    scope: 'admin',
    errors: 'problem',
    access: 'operator',
    audit: {
      action: 'public-key.create',
      subject: 'key.id',
      detail: [
        'label',
        'capabilities',
        'shell',
        'image',
        'network',
        'expiresAt',
        'ratePerMinute',
        'monthlyJobs',
      ],
    },
  })
  @ApiOperation({ summary: 'Make a key of the public API', description: 'The secret is shown this once.' })
  @ApiOkResponse({ type: CreatePublicKeyResponse })
  @ApiProblems('bad-request', 'idempotency-conflict')
  async create(
    @Req() request: FastifyRequest,
    @Body() body: CreatePublicKeyRequest,
  ): Promise<CreatePublicKeyResponse> {
    const wanted = this.newKey(body);
    // A secret must not lie in the store of answers: a repetition gets the key without it.
    let secret: string | null = null;
    const answer = await this.idempotency.run(request, async (db) => {
      const made = await this.keys.create(db, wanted);
      secret = made.secret;
      return { key: keyState(made.key) };
    });
    return { ...answer, secret };
  }

  @Get()
  @Route({ scope: 'admin', errors: 'problem', access: 'operator' })
  @ApiOperation({ summary: 'List the keys of the public API, newest first' })
  @ApiOkResponse({ type: PublicKeyListResponse })
  @ApiProblems()
  async list(@Query() query: ListPublicKeysQuery): Promise<PublicKeyListResponse> {
    const limit = effectiveLimit(query.limit);
    const [createdAt, id] =
      query.cursor === null ? [null, ''] : decodeCursor(query.cursor, ['instant', 'string']);
    if (limit === 0) return { keys: [] };
    const after =
      createdAt === null ? null : { createdAt: String(createdAt), id: String(id).replaceAll('\0', '') };
    const found = await this.keys.list(after, limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      keys: page.map(keyState),
      ...(found.length > limit && last !== undefined
        ? { next_cursor: encodeCursor([last.createdAt, last.id]) }
        : {}),
    };
  }

  @Post(':id/revoke')
  @HttpCode(200)
  @Route({ scope: 'admin', errors: 'problem', access: 'operator', audit: { action: 'public-key.revoke' } })
  @ApiParam({ name: 'id', description: 'The id of the key.' })
  @ApiOperation({ summary: 'Take a key out of use, for good and within a second; its jobs stay' })
  @ApiOkResponse({ type: PublicKeyResponse })
  @ApiProblems('public-key-not-found', 'idempotency-conflict')
  revoke(@Req() request: FastifyRequest, @Param('id', StorablePipe) id: string): Promise<PublicKeyResponse> {
    return this.idempotency.run(request, async (db) => ({ key: keyState(await this.keys.revoke(db, id)) }));
  }

  private newKey(body: CreatePublicKeyRequest): NewKey {
    const { shell, image, network, expiresAt, ratePerMinute, monthlyJobs } = body;
    const label = body.label.trim();
    if (label === '') throw new Problem('bad-request', 'label is required');
    const capabilities = capabilitySet(body.capabilities);
    if (capabilities.length === 0) {
      throw new Problem('bad-request', 'capabilities must name at least one capability');
    }
    if (expiresAt !== null && Date.parse(expiresAt) <= Date.now()) {
      throw new Problem('bad-request', 'expiresAt must lie in the future');
    }
    return {
      ...{ label, capabilities, shell, image, network, expiresAt, ratePerMinute, monthlyJobs },
      price: body.price === null ? null : this.priceOf(body.price),
    };
  }

  private priceOf(raw: Record<string, unknown>): Price {
    const read = readPrice(raw);
    if (!read.ok) throw new Problem('bad-request', `price: ${read.why}`);
    if (this.config.publicApi.facilitatorUrl === undefined) {
      throw new Problem(
        'bad-request',
        'price: nobody could take a payment; set SKYCLAW_X402_FACILITATOR_URL first',
      );
    }
    return read.price;
  }
}
