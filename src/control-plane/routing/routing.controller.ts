import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { Route } from '../../platform/http/route.decorator.js';
import { IdempotencyService } from '../idempotency/index.js';
import { RouteTaskRequest, RouteTaskResponse } from './routing.dto.js';
import { RoutingService } from './routing.service.js';

@ApiTags('routing')
@Controller('v1')
export class RoutingController {
  constructor(
    private readonly routing: RoutingService,
    private readonly idempotency: IdempotencyService,
  ) {}

  @Post('route-task')
  @HttpCode(200)
  @Route({
    scope: 'tasks:write',
    audit: {
      action: 'gateway.call',
      detail: ['action', 'gateway_id', 'gateway_strict', 'confirmed', 'task_id'],
      written: 'before the work',
    },
  })
  @ApiOperation({ summary: 'Execute an action on a gateway now, past the ledger' })
  @ApiOkResponse({ type: RouteTaskResponse })
  @ApiProblems(
    'no-gateway',
    'gateway-unreachable',
    'gateway-without-agent',
    'gateway-execution-failed',
    'idempotency-conflict',
  )
  routeTask(@Req() request: FastifyRequest, @Body() body: RouteTaskRequest): Promise<RouteTaskResponse> {
    return this.idempotency.runOutside(
      request,
      () => RoutingService.newCallIds(body.task_id),
      async (memory) => {
        const done = await this.routing.call(
          {
            action: body.action,
            params: body.params,
            gatewayId: body.gateway_id === '' ? null : body.gateway_id,
            gatewayStrict: body.gateway_strict,
            confirmed: body.confirmed,
          },
          memory,
        );
        return {
          task_id: done.taskId,
          gateway_id: done.gatewayId,
          gateway_host: done.gatewayHost,
          status: done.status,
          result: done.result,
        };
      },
    );
  }
}
