import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { Database, type Db } from '../../platform/database/database.js';
import { type Instant } from '../../platform/database/row.js';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { Problem } from '../../platform/problems/problem.js';
import { hostTokenFrom } from '../auth/index.js';
import { type ControlPlaneConfig } from '../config.js';
import { idempotencyKeyOf, IdempotencyService } from '../idempotency/index.js';
import { type HostOrder, HostsRegistry } from '../registry/index.js';
import { CONFIG } from '../runtime/index.js';
import {
  DrainHostRequest,
  HostHeartbeatRequest,
  HostHeartbeatResponse,
  HostListResponse,
  HostOrderRequest,
  HostResponse,
  ListHostsQuery,
  RegisterHostRequest,
  RegisterHostResponse,
} from './hosts.dto.js';
import { HostsService } from './hosts.service.js';

const HostId = () => Param('id', StorablePipe);
const HostIdParam = () => ApiParam({ name: 'id', description: 'The id of the host.' });

@ApiTags('hosts')
@Controller('v1/hosts')
export class HostsController {
  constructor(
    private readonly service: HostsService,
    private readonly registry: HostsRegistry,
    private readonly idempotency: IdempotencyService,
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  @Post('register')
  @HttpCode(200)
  @Route({ scope: 'claims' })
  @ApiOperation({ summary: 'Register a host, or register it anew' })
  @ApiOkResponse({ type: RegisterHostResponse })
  @ApiProblems('host-id-taken', 'host-revoked', 'idempotency-conflict')
  register(@Req() request: FastifyRequest, @Body() body: RegisterHostRequest): Promise<RegisterHostResponse> {
    if (body.name.trim() === '') throw new Problem('bad-request', 'name is required');
    const work = async (db: Db): Promise<RegisterHostResponse> => {
      const { host, token } = await this.service.register(db, applicationFrom(body), {
        token: hostTokenFrom(request),
        registrationKey: idempotencyKeyOf(request),
      });
      return { host, ...(token === null ? {} : { hostToken: token }) };
    };
    // A credential must not lie in the store of answers. A repetition with the same key gets another one in its place.
    return this.config.skyclaw.hostAuth ? work(this.database) : this.idempotency.run(request, work);
  }

  @Post(':id/heartbeat')
  @HttpCode(200)
  @Route({ scope: 'claims' })
  @HostIdParam()
  @ApiOperation({ summary: 'A sign of life from a host, which renews its leases' })
  @ApiOkResponse({ type: HostHeartbeatResponse })
  @ApiProblems('host-not-found', 'host-revoked', 'idempotency-conflict')
  heartbeat(
    @Req() request: FastifyRequest,
    @HostId() id: string,
    @Body() body: HostHeartbeatRequest,
  ): Promise<HostHeartbeatResponse> {
    return this.idempotency.run(request, async (db) => {
      await this.registry.authorize(db, id, hostTokenFrom(request));
      return this.service.heartbeat(db, id, body);
    });
  }

  @Get()
  @Route({ scope: 'tasks:read', errors: 'problem' })
  @ApiOperation({ summary: 'List hosts, oldest first' })
  @ApiOkResponse({ type: HostListResponse })
  @ApiProblems()
  async list(@Query() query: ListHostsQuery): Promise<HostListResponse> {
    const limit = effectiveLimit(query.limit);
    if (limit === 0) return { hosts: [] };
    const [registeredAt, id] =
      query.cursor === null
        ? [null, '']
        : (decodeCursor(query.cursor, ['instant', 'string']) as [Instant, string]);
    const after = registeredAt === null ? null : { registeredAt, id };
    const { hosts, views } = await this.service.list(after, limit + 1);
    const last = hosts[limit - 1];
    return {
      hosts: views.slice(0, limit),
      ...(hosts.length > limit && last !== undefined
        ? { next_cursor: encodeCursor([last.registeredAt, last.id]) }
        : {}),
    };
  }

  @Get(':id')
  @Route({ scope: 'tasks:read', errors: 'problem' })
  @HostIdParam()
  @ApiOperation({ summary: 'Show a host' })
  @ApiOkResponse({ type: HostResponse })
  @ApiProblems('host-not-found')
  async get(@HostId() id: string): Promise<HostResponse> {
    return { host: await this.service.get(id) };
  }

  @Post(':id/cordon')
  @HttpCode(200)
  @Route({ scope: 'admin', errors: 'problem', access: 'operator', audit: { action: 'host.cordon' } })
  @HostIdParam()
  @ApiOperation({ summary: 'Give a host no new work; what it has goes on' })
  @ApiOkResponse({ type: HostResponse })
  @ApiProblems('host-not-found', 'idempotency-conflict')
  cordon(
    @Req() request: FastifyRequest,
    @HostId() id: string,
    @Body() { reason }: HostOrderRequest,
  ): Promise<HostResponse> {
    return this.order(request, id, { verb: 'cordon', reason });
  }

  @Post(':id/drain')
  @HttpCode(200)
  @Route({
    scope: 'admin',
    errors: 'problem',
    access: 'operator',
    audit: { action: 'host.drain', detail: ['reason', 'deadlineMs'] },
  })
  @HostIdParam()
  @ApiOperation({
    summary: 'Empty a host: no new work, services move, jobs finish or, at the deadline, go to others',
  })
  @ApiOkResponse({ type: HostResponse })
  @ApiProblems('host-not-found', 'idempotency-conflict')
  drain(
    @Req() request: FastifyRequest,
    @HostId() id: string,
    @Body() { reason, deadlineMs }: DrainHostRequest,
  ): Promise<HostResponse> {
    return this.order(request, id, { verb: 'drain', reason, deadlineMs });
  }

  @Post(':id/uncordon')
  @HttpCode(200)
  @Route({ scope: 'admin', errors: 'problem', access: 'operator', audit: { action: 'host.uncordon' } })
  @HostIdParam()
  @ApiOperation({ summary: 'Give a host work again, whether it was cordoned or drained' })
  @ApiOkResponse({ type: HostResponse })
  @ApiProblems('host-not-found', 'idempotency-conflict')
  uncordon(@Req() request: FastifyRequest, @HostId() id: string): Promise<HostResponse> {
    return this.order(request, id, { verb: 'uncordon' });
  }

  @Post(':id/revoke')
  @HttpCode(200)
  @Route({ scope: 'admin', errors: 'problem', access: 'operator', audit: { action: 'host.revoke' } })
  @HostIdParam()
  @ApiOperation({ summary: 'Take a host its credential and all that it holds; it cannot register any more' })
  @ApiOkResponse({ type: HostResponse })
  @ApiProblems('host-not-found', 'idempotency-conflict')
  revoke(
    @Req() request: FastifyRequest,
    @HostId() id: string,
    @Body() { reason }: HostOrderRequest,
  ): Promise<HostResponse> {
    return this.order(request, id, { verb: 'revoke', reason });
  }

  @Post(':id/readmit')
  @HttpCode(200)
  @Route({ scope: 'admin', errors: 'problem', access: 'operator', audit: { action: 'host.readmit' } })
  @HostIdParam()
  @ApiOperation({ summary: 'Let a revoked host register again' })
  @ApiOkResponse({ type: HostResponse })
  @ApiProblems('host-not-found', 'idempotency-conflict')
  readmit(@Req() request: FastifyRequest, @HostId() id: string): Promise<HostResponse> {
    return this.order(request, id, { verb: 'readmit' });
  }

  private order(request: FastifyRequest, id: string, order: HostOrder): Promise<HostResponse> {
    return this.idempotency.run(request, async (db) => ({ host: await this.service.order(db, id, order) }));
  }
}

function applicationFrom(body: RegisterHostRequest) {
  const id = body.hostId?.trim() ?? '';
  return {
    id: id === '' ? null : id,
    name: body.name.trim(),
    capabilities: body.capabilities ?? [],
    maxParallel: body.maxParallel ?? 1,
    activeJobs: body.activeJobs ?? [],
    activeServices: body.activeServices,
    defaultTimeoutMs: body.defaultTimeoutMs,
  };
}
