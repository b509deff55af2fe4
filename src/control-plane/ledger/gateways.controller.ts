import { Body, Controller, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { Database, type Db } from '../../platform/database/database.js';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { IdempotencyService } from '../idempotency/index.js';
import { type Gateway, gatewayView, RegistryService } from '../registry/index.js';
import { drainStateOf } from './domain/drain.js';
import { DrainGatewayRequest, GatewayDetail, type GatewayDrain } from './gateways.dto.js';
import { notRegistered, PauseOrders } from './pause-orders.js';
import { PauseRequest, PauseState } from './pauses.dto.js';
import { PausesService } from './pauses.service.js';
import { type OpenExecution } from './queries/open-executions.queries.js';
import { LedgerReader } from './reader.service.js';

const GatewayId = () => Param('gateway_id', StorablePipe);
const GatewayIdParam = () => ApiParam({ name: 'gateway_id', description: 'The id of the gateway.' });

/** Taking gateways out of service, and back. */
@ApiTags('gateways')
@Controller('v1/gateways')
export class GatewaysController {
  constructor(
    private readonly pauses: PausesService,
    private readonly orders: PauseOrders,
    private readonly registry: RegistryService,
    private readonly reader: LedgerReader,
    private readonly idempotency: IdempotencyService,
    private readonly database: Database,
  ) {}

  @Get(':gateway_id')
  @Route({ scope: 'tasks:read', errors: 'problem' })
  @GatewayIdParam()
  @ApiOperation({ summary: 'Show a gateway, and how far its drain has come' })
  @ApiOkResponse({ type: GatewayDetail })
  @ApiProblems('gateway-not-found')
  async get(@GatewayId() id: string): Promise<GatewayDetail> {
    return this.detailOf(await this.registry.findGateway(id), id, this.database);
  }

  @Post(':gateway_id/cordon')
  @HttpCode(200)
  @Route({ scope: 'gateways:write', errors: 'problem', audit: { action: 'gateway.cordon' } })
  @GatewayIdParam()
  @ApiOperation({ summary: 'Send a gateway nothing new: another name for pause' })
  @ApiOkResponse({ type: PauseState })
  @ApiProblems('gateway-not-found', 'idempotency-conflict')
  cordon(
    @Req() request: FastifyRequest,
    @GatewayId() id: string,
    @Body() body: PauseRequest,
  ): Promise<PauseState> {
    return this.orders.pause(request, { scope: 'gateway', name: id }, body);
  }

  @Post(':gateway_id/uncordon')
  @HttpCode(200)
  @Route({ scope: 'gateways:write', errors: 'problem', audit: { action: 'gateway.uncordon' } })
  @GatewayIdParam()
  @ApiOperation({
    summary: 'Let a gateway be sent tasks again, cordoned or drained: another name for resume',
  })
  @ApiOkResponse({ type: PauseState })
  @ApiProblems('gateway-not-found', 'idempotency-conflict')
  uncordon(@Req() request: FastifyRequest, @GatewayId() id: string): Promise<PauseState> {
    return this.orders.resume(request, { scope: 'gateway', name: id });
  }

  @Post(':gateway_id/drain')
  @HttpCode(200)
  @Route({
    scope: 'gateways:write',
    errors: 'problem',
    audit: { action: 'gateway.drain', detail: ['reason', 'deadline_seconds'] },
  })
  @GatewayIdParam()
  @ApiOperation({
    summary: 'Empty a gateway: it is sent nothing new, and what it executes comes to its end',
    description:
      'What it may be executing is never run elsewhere, also when the deadline has passed: the answer then lists it, with ' +
      'the call that would give each up. Uncordon or resume ends the drain.',
  })
  @ApiOkResponse({ type: GatewayDetail })
  @ApiProblems('gateway-not-found', 'idempotency-conflict')
  drain(
    @Req() request: FastifyRequest,
    @GatewayId() id: string,
    @Body() { reason, deadline_seconds }: DrainGatewayRequest,
  ): Promise<GatewayDetail> {
    const order = { reason: reason.trim(), deadlineSeconds: deadline_seconds };
    return this.idempotency.run(request, async (db) =>
      this.detailOf(await this.pauses.drain(db, id, order), id, db),
    );
  }

  private async detailOf(gateway: Gateway | null, id: string, db: Db): Promise<GatewayDetail> {
    if (gateway === null) throw notRegistered(id);
    return { ...gatewayView(gateway), drain: await this.drainOf(gateway, db) };
  }

  private async drainOf(gateway: Gateway, db: Db): Promise<GatewayDrain | null> {
    const { gatewayId, drainSince: since, drainDeadline: deadline, isDrainOver, pauseReason } = gateway;
    if (since === null) return null;
    const { first, total } = await this.reader.openExecutionsAt(gatewayId, db);
    const state = drainStateOf(total, isDrainOver);
    return {
      ...{ since, deadline, reason: pauseReason ?? '', in_flight: total, state },
      open: state === 'overdue' ? first.map(openView) : [],
    };
  }
}

function openView({ taskId, status, lockedAt }: OpenExecution): GatewayDrain['open'][number] {
  return {
    ...{ task_id: taskId, status, since: lockedAt },
    give_up: {
      method: 'POST',
      path: `/v1/tasks/${encodeURIComponent(taskId)}/cancel`,
      body: { reason: 'Its gateway is drained.' },
    },
  };
}
