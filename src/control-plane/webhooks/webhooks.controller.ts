import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { type Db } from '../../platform/database/database.js';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { positionOf } from '../events/index.js';
import { IdempotencyService } from '../idempotency/index.js';
import {
  ChangeWebhookRequest,
  CreateWebhookRequest,
  DeleteWebhookResponse,
  DeliveryListResponse,
  DeliveryResponse,
  deliveryState,
  ListDeliveriesQuery,
  ListWebhooksQuery,
  RotateSecretRequest,
  WebhookListResponse,
  WebhookResponse,
  WebhookSecretResponse,
  webhookState,
} from './webhooks.dto.js';
import { type CountedWebhook, WebhooksService } from './webhooks.service.js';

const WebhookId = () => Param('id', StorablePipe);
const WebhookIdParam = () => ApiParam({ name: 'id', description: 'The id of the webhook.' });

@ApiTags('webhooks')
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(
    private readonly webhooks: WebhooksService,
    private readonly idempotency: IdempotencyService,
  ) {}

  @Post()
  @HttpCode(200)
  @Route({
    scope: 'admin',
    errors: 'problem',
    access: 'operator',
    audit: {
      action: 'webhook.create',
      subject: 'webhook.id',
      detail: ['url', 'event_types', 'project_id', 'description', 'after'],
    },
  })
  @ApiOperation({
    summary: 'Have events posted to an address',
    description:
      'Messages are signed as Standard Webhooks says (`webhook-id`, `webhook-timestamp`, `webhook-signature`), arrive once ' +
      'at least, each with the same `webhook-id` however often, and in no particular order. The secret is shown this once.',
  })
  @ApiOkResponse({ type: WebhookSecretResponse })
  @ApiProblems('too-many-webhooks', 'webhooks-unavailable', 'idempotency-conflict')
  create(@Req() request: FastifyRequest, @Body() body: CreateWebhookRequest): Promise<WebhookSecretResponse> {
    const after = body.after === null ? null : positionOf(body.after, 'after');
    const definition = {
      url: body.url,
      description: body.description,
      eventTypes: body.event_types,
      projectId: emptyToNull(body.project_id),
    };
    return this.withSecret(request, (db) => this.webhooks.create(db, definition, after));
  }

  @Get()
  @Route({ scope: 'admin', errors: 'problem', access: 'operator' })
  @ApiOperation({ summary: 'List webhooks in the order in which they were made' })
  @ApiOkResponse({ type: WebhookListResponse })
  @ApiProblems()
  async list(@Query() query: ListWebhooksQuery): Promise<WebhookListResponse> {
    const limit = effectiveLimit(query.limit);
    const [after] = query.cursor === null ? [''] : decodeCursor(query.cursor, ['string']);
    if (limit === 0) return { webhooks: [] };
    const found = await this.webhooks.list(String(after).replaceAll('\0', ''), limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      webhooks: page.map(webhookState),
      ...(found.length > limit && last !== undefined ? { next_cursor: encodeCursor([last.id]) } : {}),
    };
  }

  @Get(':id')
  @Route({ scope: 'admin', errors: 'problem', access: 'operator' })
  @WebhookIdParam()
  @ApiOperation({ summary: 'Show a webhook' })
  @ApiOkResponse({ type: WebhookResponse })
  @ApiProblems('webhook-not-found')
  async get(@WebhookId() id: string): Promise<WebhookResponse> {
    return { webhook: webhookState(await this.webhooks.get(id)) };
  }

  @Patch(':id')
  @Route({
    scope: 'admin',
    errors: 'problem',
    access: 'operator',
    audit: {
      action: 'webhook.change',
      detail: ['url', 'event_types', 'project_id', 'description', 'enabled', 'after'],
    },
  })
  @WebhookIdParam()
  @ApiOperation({ summary: 'Change a webhook, disable it or enable it again' })
  @ApiOkResponse({ type: WebhookResponse })
  @ApiProblems('webhook-not-found', 'idempotency-conflict')
  change(
    @Req() request: FastifyRequest,
    @WebhookId() id: string,
    @Body() body: ChangeWebhookRequest,
  ): Promise<WebhookResponse> {
    const { url, description, event_types, project_id, enabled, after } = body;
    const change = {
      ...(url === null ? {} : { url }),
      ...(description === null ? {} : { description }),
      ...(event_types === null ? {} : { eventTypes: event_types }),
      ...(project_id === null ? {} : { projectId: emptyToNull(project_id) }),
      ...(enabled === null ? {} : { enabled }),
      ...(after === null ? {} : { after: after === 'now' ? ('now' as const) : positionOf(after, 'after') }),
    };
    return this.idempotency.run(request, async (db) => ({
      webhook: webhookState(await this.webhooks.change(db, id, change)),
    }));
  }

  @Delete(':id')
  @Route({ scope: 'admin', errors: 'problem', access: 'operator', audit: { action: 'webhook.delete' } })
  @WebhookIdParam()
  @ApiOperation({ summary: 'Delete a webhook with all that is known of its deliveries' })
  @ApiOkResponse({ type: DeleteWebhookResponse })
  @ApiProblems('webhook-not-found', 'idempotency-conflict')
  delete(@Req() request: FastifyRequest, @WebhookId() id: string): Promise<DeleteWebhookResponse> {
    return this.idempotency.run(request, async (db) => {
      await this.webhooks.delete(db, id);
      return { ok: true };
    });
  }

  @Post(':id/rotate-secret')
  @HttpCode(200)
  @Route({
    scope: 'admin',
    errors: 'problem',
    access: 'operator',
    audit: { action: 'webhook.rotate-secret', detail: ['overlap_seconds'] },
  })
  @WebhookIdParam()
  @ApiOperation({
    summary: 'Give a webhook another secret',
    description:
      'For a while messages are signed by both, so that the receiver can change over. Shown this once.',
  })
  @ApiOkResponse({ type: WebhookSecretResponse })
  @ApiProblems('webhook-not-found', 'webhooks-unavailable', 'idempotency-conflict')
  rotate(
    @Req() request: FastifyRequest,
    @WebhookId() id: string,
    @Body() { overlap_seconds }: RotateSecretRequest,
  ): Promise<WebhookSecretResponse> {
    return this.withSecret(request, (db) => this.webhooks.rotate(db, id, overlap_seconds));
  }

  @Post(':id/test')
  @HttpCode(200)
  @Route({ scope: 'admin', errors: 'problem', access: 'operator', audit: { action: 'webhook.test' } })
  @WebhookIdParam()
  @ApiOperation({ summary: 'Send a message of type webhook.test, which tells of nothing' })
  @ApiOkResponse({ type: DeliveryResponse })
  @ApiProblems('webhook-not-found', 'webhook-disabled', 'idempotency-conflict')
  test(@Req() request: FastifyRequest, @WebhookId() id: string): Promise<DeliveryResponse> {
    return this.idempotency.run(request, async (db) => ({
      delivery: deliveryState(await this.webhooks.test(db, id)),
    }));
  }

  @Get(':id/deliveries')
  @Route({ scope: 'admin', errors: 'problem', access: 'operator' })
  @WebhookIdParam()
  @ApiOperation({ summary: 'List what became of deliveries, newest first' })
  @ApiOkResponse({ type: DeliveryListResponse })
  @ApiProblems('webhook-not-found')
  async deliveries(
    @WebhookId() id: string,
    @Query() query: ListDeliveriesQuery,
  ): Promise<DeliveryListResponse> {
    const limit = effectiveLimit(query.limit);
    const [createdAt, deliveryId] =
      query.cursor === null ? [null, ''] : decodeCursor(query.cursor, ['instant', 'string']);
    const after =
      createdAt === null
        ? null
        : { createdAt: String(createdAt), id: String(deliveryId).replaceAll('\0', '') };
    const found = await this.webhooks.deliveries(id, query.status, after, limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      deliveries: page.map(deliveryState),
      ...(found.length > limit && last !== undefined
        ? { next_cursor: encodeCursor([last.createdAt, last.id]) }
        : {}),
    };
  }

  @Post(':id/deliveries/:deliveryId/redeliver')
  @HttpCode(200)
  @Route({ scope: 'admin', errors: 'problem', access: 'operator', audit: { action: 'webhook.redeliver' } })
  @WebhookIdParam()
  @ApiParam({ name: 'deliveryId', description: 'The id of the delivery.' })
  @ApiOperation({ summary: 'Attempt a delivery now, whatever became of it, and begin its retries anew' })
  @ApiOkResponse({ type: DeliveryResponse })
  @ApiProblems('webhook-not-found', 'delivery-not-found', 'webhook-disabled', 'idempotency-conflict')
  redeliver(
    @Req() request: FastifyRequest,
    @WebhookId() id: string,
    @Param('deliveryId', StorablePipe) deliveryId: string,
  ): Promise<DeliveryResponse> {
    return this.idempotency.run(request, async (db) => ({
      delivery: deliveryState(await this.webhooks.redeliver(db, id, deliveryId)),
    }));
  }

  /** A secret must not lie in the store of answers: a repetition gets the webhook without it. */
  private async withSecret(
    request: FastifyRequest,
    work: (db: Db) => Promise<{ readonly webhook: CountedWebhook; readonly secret: string }>,
  ): Promise<WebhookSecretResponse> {
    let secret: string | null = null;
    const answer = await this.idempotency.run(request, async (db) => {
      const made = await work(db);
      secret = made.secret;
      return { webhook: webhookState(made.webhook) };
    });
    return { ...answer, secret };
  }
}

function emptyToNull(value: string | null): string | null {
  return value === '' ? null : value;
}
