import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiResponse, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { IdempotencyService } from '../idempotency/index.js';
import { TOPICS, Waiting } from '../runtime/index.js';
import { type Deployment } from './domain/deployment.js';
import { rolloutState, serviceState } from './service-view.js';
import {
  DeployServiceRequest,
  ListServicesQuery,
  RolloutResponse,
  ScaleServiceRequest,
  ServiceListResponse,
  ServiceResponse,
} from './services.dto.js';
import { ServicesService } from './services.service.js';
import { wishOf } from './wish.js';

const VERSION_HEADER = 'x-services-version';
const ServiceId = () => Param('id', StorablePipe);
const ServiceIdParam = () => ApiParam({ name: 'id', description: 'The id of the service.' });

/** Processes that hosts keep running, as operators see them. */
@ApiTags('services')
@ApiSecurity('skyclawToken')
@Controller('v1/services')
export class ServicesController {
  constructor(
    private readonly services: ServicesService,
    private readonly idempotency: IdempotencyService,
    private readonly waiting: Waiting,
  ) {}

  @Post()
  @HttpCode(200)
  @Route({
    scope: 'services:deploy',
    audit: {
      action: 'service.deploy',
      subject: 'service.id',
      detail: ['name', 'replicas', 'requiredCapabilities'],
    },
  })
  @ApiOperation({ summary: 'Deploy a service, or deploy it anew' })
  @ApiOkResponse({ type: ServiceResponse })
  @ApiProblems('bad-request', 'service-name-in-use', 'idempotency-conflict')
  deploy(@Req() request: FastifyRequest, @Body() body: DeployServiceRequest): Promise<ServiceResponse> {
    const wish = wishOf(body);
    return this.idempotency.run(request, async (db) => ({
      service: serviceState(await this.services.deploy(db, wish), 'shown'),
    }));
  }

  @Get()
  @Route({ scope: 'tasks:read' })
  @ApiOperation({ summary: 'List services, or wait until something changes by which requests are routed' })
  @ApiResponse({
    status: 200,
    type: ServiceListResponse,
    headers: {
      [VERSION_HEADER]: {
        description: 'Send it as `since` to hear of the next change.',
        schema: { type: 'string' },
      },
    },
  })
  @ApiResponse({ status: 304, description: 'Nothing has changed since the version that was named.' })
  @ApiProblems('bad-request')
  async list(
    @Req() request: FastifyRequest,
    @Query() { limit: wanted, cursor, since, wait_ms: waitMs }: ListServicesQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ServiceListResponse | undefined> {
    const after = cursor === null ? null : positionOf(cursor);
    const version = await this.waiting.until(
      TOPICS.services,
      request.raw.socket,
      since === null ? 0 : waitMs,
      async () => {
        const current = await this.services.routingVersion();
        return current === since ? null : current;
      },
    );
    void reply.header(VERSION_HEADER, version ?? since ?? '');
    if (version === null) {
      void reply.status(304);
      return undefined;
    }
    const limit = effectiveLimit(wanted);
    if (limit === 0) return { services: [] };
    const services = await this.services.list(after, limit + 1);
    return pageOf(services, limit);
  }

  @Get(':id')
  @Route({ scope: 'tasks:read' })
  @ServiceIdParam()
  @ApiOperation({ summary: 'Show a service' })
  @ApiOkResponse({ type: ServiceResponse })
  @ApiProblems('service-not-found')
  async get(@ServiceId() id: string): Promise<ServiceResponse> {
    return { service: serviceState(await this.services.get(id)) };
  }

  @Post(':id/stop')
  @HttpCode(200)
  @Route({ scope: 'services:deploy', audit: { action: 'service.stop' } })
  @ServiceIdParam()
  @ApiOperation({ summary: 'End all processes of a service; deploying it again starts it again' })
  @ApiOkResponse({ type: ServiceResponse })
  @ApiProblems('service-not-found', 'idempotency-conflict')
  stop(@Req() request: FastifyRequest, @ServiceId() id: string): Promise<ServiceResponse> {
    return this.idempotency.run(request, async (db) => ({
      service: serviceState(await this.services.stop(db, id)),
    }));
  }

  @Delete(':id')
  @Route({ scope: 'services:deploy', errors: 'problem', audit: { action: 'service.remove' } })
  @ServiceIdParam()
  @ApiOperation({ summary: 'Stop a service and take it from the lists; answers it as it was' })
  @ApiOkResponse({ type: ServiceResponse })
  @ApiProblems('service-not-found', 'idempotency-conflict')
  remove(@Req() request: FastifyRequest, @ServiceId() id: string): Promise<ServiceResponse> {
    return this.idempotency.run(request, async (db) => ({
      service: serviceState(await this.services.remove(db, id)),
    }));
  }

  @Patch(':id')
  @Route({
    scope: 'services:deploy',
    errors: 'problem',
    audit: { action: 'service.scale', detail: ['replicas'] },
  })
  @ServiceIdParam()
  @ApiOperation({ summary: 'Change how many replicas of a service run' })
  @ApiOkResponse({ type: ServiceResponse })
  @ApiProblems('bad-request', 'service-not-found', 'idempotency-conflict')
  scale(
    @Req() request: FastifyRequest,
    @ServiceId() id: string,
    @Body() { replicas }: ScaleServiceRequest,
  ): Promise<ServiceResponse> {
    return this.idempotency.run(request, async (db) => ({
      service: serviceState(await this.services.scale(db, id, replicas)),
    }));
  }

  @Post(':id/restart')
  @HttpCode(200)
  @Route({ scope: 'services:deploy', errors: 'problem', audit: { action: 'service.restart' } })
  @ServiceIdParam()
  @ApiOperation({
    summary: 'Replace all processes of a service, one by one: a new generation of what it runs',
  })
  @ApiOkResponse({ type: ServiceResponse })
  @ApiProblems('service-not-found', 'service-stopped', 'idempotency-conflict')
  restart(@Req() request: FastifyRequest, @ServiceId() id: string): Promise<ServiceResponse> {
    return this.idempotency.run(request, async (db) => ({
      service: serviceState(await this.services.restart(db, id)),
    }));
  }

  @Get(':id/rollout')
  @Route({ scope: 'tasks:read', errors: 'problem' })
  @ServiceIdParam()
  @ApiOperation({ summary: 'Show how far the newest generation of a service is in use' })
  @ApiOkResponse({ type: RolloutResponse })
  @ApiProblems('service-not-found')
  async rollout(@ServiceId() id: string): Promise<RolloutResponse> {
    return { rollout: rolloutState(await this.services.get(id)) };
  }
}

/** The last time that is written with four digits of a year. */
const LAST_TIME = Date.UTC(9999, 11, 31);

function positionOf(cursor: string): { createdAt: number; id: string } {
  const [createdAt, id] = decodeCursor(cursor, ['number', 'string']);
  const time = Math.min(LAST_TIME, Math.max(0, Number(createdAt)));
  return { createdAt: time, id: String(id).replaceAll('\0', '') };
}

function pageOf(services: readonly Deployment[], limit: number): ServiceListResponse {
  const page = services.slice(0, limit);
  const last = page.at(-1)?.service;
  return {
    services: page.map((deployment) => serviceState(deployment)),
    ...(services.length > limit && last !== undefined
      ? { next_cursor: encodeCursor([last.createdAt, last.id]) }
      : {}),
  };
}
