import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { Problem } from '../../platform/problems/problem.js';
import { type PauseTarget } from './domain/pause.js';
import { LIMITS } from './limits.js';
import { ListPausesQuery, PauseListResponse, PauseRequest, PauseState } from './pauses.dto.js';
import { PauseOrders, pauseState } from './pause-orders.js';
import { PausesService } from './pauses.service.js';

const QUEUE: PauseTarget = { scope: 'queue', name: '' };
const ProjectId = () => Param('project_id', StorablePipe);
const ProjectIdParam = () =>
  ApiParam({ name: 'project_id', description: 'The id of the project, whether or not it has tasks.' });
const GatewayId = () => Param('gateway_id', StorablePipe);
const GatewayIdParam = () => ApiParam({ name: 'gateway_id', description: 'The id of the gateway.' });

/** Holding tasks back, and letting them go on. */
@ApiTags('pauses')
@Controller('v1')
export class PausesController {
  constructor(
    private readonly pauses: PausesService,
    private readonly orders: PauseOrders,
  ) {}

  @Get('pauses')
  @Route({ scope: 'tasks:read', errors: 'problem' })
  @ApiOperation({ summary: 'List what is paused' })
  @ApiOkResponse({ type: PauseListResponse })
  @ApiProblems()
  async list(@Query() query: ListPausesQuery): Promise<PauseListResponse> {
    const limit = effectiveLimit(query.limit);
    const after = query.cursor === null ? null : positionOf(query.cursor);
    if (limit === 0) return { pauses: [] };
    const pauses = await this.pauses.list(after, limit + 1);
    const page = pauses.slice(0, limit);
    const last = page.at(-1);
    return {
      pauses: page.map(pauseState),
      ...(pauses.length > limit && last !== undefined
        ? { next_cursor: encodeCursor([last.scope, last.name]) }
        : {}),
    };
  }

  @Post('queue/pause')
  @HttpCode(200)
  @Route({ scope: 'admin', errors: 'problem', audit: { action: 'queue.pause' } })
  @ApiOperation({ summary: 'Pause the queue: nothing new is claimed or dispatched, what is held goes on' })
  @ApiOkResponse({ type: PauseState })
  @ApiProblems('idempotency-conflict')
  pauseQueue(@Req() request: FastifyRequest, @Body() body: PauseRequest): Promise<PauseState> {
    return this.orders.pause(request, QUEUE, body);
  }

  @Post('queue/resume')
  @HttpCode(200)
  @Route({ scope: 'admin', errors: 'problem', audit: { action: 'queue.resume' } })
  @ApiOperation({ summary: 'Let the queue go on; what else is paused stays so' })
  @ApiOkResponse({ type: PauseState })
  @ApiProblems('idempotency-conflict')
  resumeQueue(@Req() request: FastifyRequest): Promise<PauseState> {
    return this.orders.resume(request, QUEUE);
  }

  @Post('projects/:project_id/pause')
  @HttpCode(200)
  @Route({
    scope: 'admin',
    project: { named: ['params.project_id'] },
    errors: 'problem',
    audit: { action: 'project.pause' },
  })
  @ProjectIdParam()
  @ApiOperation({ summary: 'Pause a project: none of its tasks is newly claimed, what is held goes on' })
  @ApiOkResponse({ type: PauseState })
  @ApiProblems('idempotency-conflict')
  pauseProject(
    @Req() request: FastifyRequest,
    @ProjectId() id: string,
    @Body() body: PauseRequest,
  ): Promise<PauseState> {
    return this.orders.pause(request, project(id), body);
  }

  @Post('projects/:project_id/resume')
  @HttpCode(200)
  @Route({
    scope: 'admin',
    project: { named: ['params.project_id'] },
    errors: 'problem',
    audit: { action: 'project.resume' },
  })
  @ProjectIdParam()
  @ApiOperation({ summary: 'Let a project go on' })
  @ApiOkResponse({ type: PauseState })
  @ApiProblems('idempotency-conflict')
  resumeProject(@Req() request: FastifyRequest, @ProjectId() id: string): Promise<PauseState> {
    return this.orders.resume(request, project(id));
  }

  @Post('gateways/:gateway_id/pause')
  @HttpCode(200)
  @Route({ scope: 'admin', errors: 'problem', audit: { action: 'gateway.pause' } })
  @GatewayIdParam()
  @ApiOperation({
    summary: 'Pause a gateway: it is sent nothing new, what it executes goes on, and so does its probing',
  })
  @ApiOkResponse({ type: PauseState })
  @ApiProblems('gateway-not-found', 'idempotency-conflict')
  pauseGateway(
    @Req() request: FastifyRequest,
    @GatewayId() id: string,
    @Body() body: PauseRequest,
  ): Promise<PauseState> {
    return this.orders.pause(request, { scope: 'gateway', name: id }, body);
  }

  @Post('gateways/:gateway_id/resume')
  @HttpCode(200)
  @Route({ scope: 'admin', errors: 'problem', audit: { action: 'gateway.resume' } })
  @GatewayIdParam()
  @ApiOperation({ summary: 'Let a gateway be sent tasks again' })
  @ApiOkResponse({ type: PauseState })
  @ApiProblems('gateway-not-found', 'idempotency-conflict')
  resumeGateway(@Req() request: FastifyRequest, @GatewayId() id: string): Promise<PauseState> {
    return this.orders.resume(request, { scope: 'gateway', name: id });
  }
}

function positionOf(cursor: string): PauseTarget {
  const [scope, name] = decodeCursor(cursor, ['string', 'string']) as [string, string];
  const isKnown = scope === 'queue' || scope === 'gateway';
  return { scope: isKnown ? scope : 'project', name: name.replaceAll('\0', '') };
}

/** A project as tasks name it. */
function project(id: string): PauseTarget {
  const name = id.trim();
  if (name !== '' && id.length <= LIMITS.idLength) return { scope: 'project', name };
  const msg = `Input should be the id of a project, of 1 to ${LIMITS.idLength} characters`;
  throw new Problem('invalid-request', `project_id: ${msg}`, {
    issues: [{ type: 'value_error', loc: ['path', 'project_id'], msg, input: id.slice(0, LIMITS.idLength) }],
  });
}
