import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { type Instant } from '../../platform/database/row.js';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { Problem } from '../../platform/problems/problem.js';
import { Audit } from '../audit/index.js';
import { IdempotencyService } from '../idempotency/index.js';
import { gatewayView } from './gateway-view.js';
import { type Gateway } from './gateways.queries.js';
import {
  GatewayHeartbeatRequest,
  GatewayView,
  HeartbeatRequest,
  RegisterGatewayRequest,
  RegisterWorkerRequest,
  SystemStateQuery,
  SystemStateResponse,
  WorkerView,
} from './registry.dto.js';
import { RegistryService } from './registry.service.js';
import { type Worker } from './workers.queries.js';

@ApiTags('registry')
@Controller('v1')
export class RegistryController {
  constructor(
    private readonly registry: RegistryService,
    private readonly idempotency: IdempotencyService,
    private readonly audit: Audit,
  ) {}

  @Post('register-gateway')
  @HttpCode(200)
  @Route({
    scope: 'gateways:write',
    audit: {
      action: 'gateway.register',
      subject: 'gatewayId',
      detail: ['host', 'protocol', 'capabilities', 'status'],
      written: 'by the handler',
    },
  })
  @ApiOperation({ summary: 'Register a gateway, or register it anew' })
  @ApiOkResponse({ type: GatewayView })
  @ApiProblems('invalid-gateway-host', 'invalid-credential', 'idempotency-conflict')
  registerGateway(
    @Req() request: FastifyRequest,
    @Body() body: RegisterGatewayRequest,
  ): Promise<GatewayView> {
    return this.idempotency.runOutside(
      request,
      () => ({}),
      async () =>
        gatewayView(
          await this.registry.registerGateway(
            {
              gatewayId: body.gateway_id,
              host: body.host,
              protocol: body.protocol,
              capabilities: body.capabilities,
              status: body.status,
              metadata: body.metadata,
              version: body.version,
              slots: body.slots,
              load: body.load,
            },
            body.credential === null && body.credential_file === null
              ? null
              : { secret: body.credential, file: body.credential_file },
            (tx, action) => this.audit.record(tx, request, { gatewayId: body.gateway_id }, action),
          ),
        ),
    );
  }

  @Post('gateways/:gateway_id/heartbeat')
  @HttpCode(200)
  @Route({ scope: 'gateways:write', errors: 'problem' })
  @ApiParam({ name: 'gateway_id', description: 'The id of the gateway.' })
  @ApiOperation({ summary: 'A sign of life from a gateway that registers itself' })
  @ApiOkResponse({ type: GatewayView })
  @ApiProblems('gateway-not-found', 'idempotency-conflict')
  gatewayHeartbeat(
    @Req() request: FastifyRequest,
    @Param('gateway_id', StorablePipe) id: string,
    @Body() { status, version, slots, load }: GatewayHeartbeatRequest,
  ): Promise<GatewayView> {
    return this.idempotency.run(request, async (db) => {
      const gateway = await this.registry.heartbeatOfGateway(db, id, { status, version, slots, load });
      if (gateway === null) throw new Problem('gateway-not-found', `Gateway '${id}' is not registered.`);
      return gatewayView(gateway);
    });
  }

  @Post('register-worker')
  @HttpCode(200)
  @Route({ scope: 'claims' })
  @ApiOperation({ summary: 'Register a worker, or register it anew' })
  @ApiOkResponse({ type: WorkerView })
  @ApiProblems('worker-id-taken', 'idempotency-conflict')
  registerWorker(@Req() request: FastifyRequest, @Body() body: RegisterWorkerRequest): Promise<WorkerView> {
    return this.idempotency.run(request, async (db) =>
      workerView(
        await this.registry.registerWorker(db, {
          workerId: body.worker_id,
          gatewayId: body.gateway_id === '' ? null : body.gateway_id,
          capabilities: body.capabilities,
          status: body.status,
          capacity: body.capacity,
          metadata: body.metadata,
        }),
      ),
    );
  }

  @Post('workers/:id/heartbeat')
  @HttpCode(200)
  @Route({ scope: 'claims', errors: 'problem' })
  @ApiParam({ name: 'id', description: 'The id of the worker.' })
  @ApiOperation({ summary: 'A sign of life from a worker' })
  @ApiOkResponse({ type: WorkerView })
  @ApiProblems('worker-not-found', 'idempotency-conflict')
  heartbeat(
    @Req() request: FastifyRequest,
    @Param('id', StorablePipe) id: string,
    @Body() body: HeartbeatRequest,
  ): Promise<WorkerView> {
    return this.idempotency.run(request, async (db) => {
      const worker = await this.registry.heartbeat(db, id, body.status);
      if (worker === null) throw new Problem('worker-not-found', `Worker '${id}' is not registered.`);
      return workerView(worker);
    });
  }

  @Get('system-state')
  @Route({ scope: 'tasks:read' })
  @ApiOperation({ summary: 'Show all gateways and workers' })
  @ApiOkResponse({ type: SystemStateResponse })
  @ApiProblems()
  async systemState(@Query() query: SystemStateQuery): Promise<SystemStateResponse> {
    const [counts, { gateways, workers, next }] = await Promise.all([
      this.registry.counts(),
      this.statePage(query.cursor, effectiveLimit(query.limit)),
    ]);
    return {
      gateway_count: counts.gateways,
      worker_count: counts.workers,
      gateways: gateways.map(gatewayView),
      workers: workers.map(workerView),
      generated_at: new Date().toISOString().replace('Z', '000+00:00'),
      ...(next === undefined ? {} : { next_cursor: next }),
    };
  }

  private async statePage(cursor: string | null, limit: number): Promise<StatePage> {
    const [list, registeredAt, id] = (cursor === null
      ? ['gateways', '', '']
      : decodeCursor(cursor, ['string', 'instant', 'string'])) as unknown as [string, Instant, string];
    const gateways = (list === 'gateways' ? await this.registry.listGateways() : [])
      .filter(
        (entry) =>
          entry.registeredAt > registeredAt || (entry.registeredAt === registeredAt && entry.gatewayId > id),
      )
      .slice(0, limit);
    const room = limit - gateways.length;
    const after = list === 'workers' ? { registeredAt, workerId: id } : null;
    const found = limit === 0 ? [] : await this.registry.listWorkers(after, room + 1);
    const workers = found.slice(0, room);
    return { gateways, workers, next: found.length > room ? cursorAfter(gateways, workers) : undefined };
  }
}

interface StatePage {
  readonly gateways: readonly Gateway[];
  readonly workers: readonly Worker[];
  readonly next: string | undefined;
}

function cursorAfter(gateways: readonly Gateway[], workers: readonly Worker[]): string | undefined {
  const [worker, gateway] = [workers.at(-1), gateways.at(-1)];
  if (worker !== undefined) return encodeCursor(['workers', worker.registeredAt, worker.workerId]);
  return gateway && encodeCursor(['gateways', gateway.registeredAt, gateway.gatewayId]);
}

function workerView(worker: Worker): WorkerView {
  return {
    worker_id: worker.workerId,
    gateway_id: worker.gatewayId,
    capabilities: [...worker.capabilities],
    status: worker.status,
    capacity: worker.capacity,
    metadata: worker.metadata,
    registered_at: worker.registeredAt,
    last_heartbeat: worker.lastHeartbeat,
  };
}
