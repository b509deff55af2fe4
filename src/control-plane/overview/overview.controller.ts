import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { Route } from '../../platform/http/route.decorator.js';
import { productVersion } from '../../platform/product-version.js';
import { type HolderOfTasks, LedgerReader } from '../ledger/index.js';
import { RegistryService, type Worker } from '../registry/index.js';
import { AgentListResponse, type AgentView, ListAgentsQuery, ServiceDescription } from './overview.dto.js';

/** Screens that join what several modules know. */
@ApiTags('overview')
@Controller()
export class OverviewController {
  constructor(
    private readonly ledger: LedgerReader,
    private readonly registry: RegistryService,
  ) {}

  @Get()
  @Route({ access: 'public', uncounted: true })
  @ApiOperation({ summary: 'Say what this is', security: [] })
  @ApiOkResponse({ type: ServiceDescription })
  describe(): ServiceDescription {
    return {
      service: 'SKYNET Control Plane API',
      version: productVersion,
      status: 'online',
      docs: '/docs',
      endpoints: {
        register_gateway: '/v1/register-gateway',
        register_worker: '/v1/register-worker',
        route_task: '/v1/route-task',
        task_queue: '/v1/tasks/enqueue',
        task_list: '/v1/tasks',
        task_next: '/v1/tasks/next',
        system_state: '/v1/system-state',
        agents: '/v1/agents',
        events: '/v1/events',
        health: '/v1/health',
      },
    };
  }

  @Get('v1/agents')
  @Route({ scope: 'tasks:read' })
  @ApiOperation({ summary: 'Show who is at what' })
  @ApiOkResponse({ type: AgentListResponse })
  @ApiProblems()
  async agents(@Query() query: ListAgentsQuery): Promise<AgentListResponse> {
    const limit = effectiveLimit(query.limit);
    if (limit === 0) return { agents: [] };
    const [lockedAt = '', agentId = ''] = query.cursor === null ? [] : this.positionOf(query.cursor);
    const agents: AgentView[] = [];
    if (agentId === '' || lockedAt !== '') {
      agents.push(...(await this.busy(lockedAt === '' ? null : { lockedAt, lockedBy: agentId }, limit + 1)));
    }
    if (agents.length <= limit) {
      agents.push(...(await this.idle(lockedAt === '' ? agentId : '', limit + 1 - agents.length)));
    }
    const page = agents.slice(0, limit);
    const last = page.at(-1);
    return {
      agents: page,
      ...(agents.length > limit && last !== undefined
        ? { next_cursor: encodeCursor([last.active_task_locked_at ?? '', last.agent_id]) }
        : {}),
    };
  }

  /** When the last agent of a page took its task, empty when it has none, and its id. */
  private positionOf(cursor: string): readonly string[] {
    const [lockedAt, agentId] = decodeCursor(cursor, ['string', 'string']) as [string, string];
    if (lockedAt !== '') decodeCursor(cursor, ['instant', 'string']);
    return [lockedAt, agentId];
  }

  private async busy(
    after: Pick<HolderOfTasks, 'lockedAt' | 'lockedBy'> | null,
    limit: number,
  ): Promise<AgentView[]> {
    const holders = await this.ledger.listHolders(after, limit);
    const workers = await this.registry.findWorkers(holders.map((holder) => holder.lockedBy));
    const byId = new Map(workers.map((worker) => [worker.workerId, worker]));
    return holders.map((holder) => agentView(holder.lockedBy, byId.get(holder.lockedBy), holder));
  }

  /** Workers without a task by id, descending, below `before` unless that is empty. */
  private async idle(before: string, limit: number): Promise<AgentView[]> {
    const idle: AgentView[] = [];
    let position = before === '' ? null : before;
    for (;;) {
      const workers = await this.registry.listWorkersById(position, limit);
      const holders = await this.ledger.holdersAmong(workers.map((worker) => worker.workerId));
      const busy = new Set(holders.map((holder) => holder.lockedBy));
      const found = workers.filter((worker) => !busy.has(worker.workerId));
      idle.push(...found.map((worker) => agentView(worker.workerId, worker, undefined)));
      position = workers.at(-1)?.workerId ?? null;
      if (workers.length < limit || idle.length >= limit) return idle.slice(0, limit);
    }
  }
}

function agentView(
  agentId: string,
  worker: Worker | undefined,
  holder: HolderOfTasks | undefined,
): AgentView {
  const active = holder?.tasks[0];
  return {
    agent_id: agentId,
    status: worker?.status ?? 'unknown',
    gateway_id: worker?.gatewayId ?? null,
    metadata: worker?.metadata ?? {},
    active_task_id: active?.id ?? null,
    active_task_status: active?.status ?? null,
    active_task_action: active?.action ?? null,
    active_task_locked_at: holder?.lockedAt ?? null,
    active_task_ids: holder?.tasks.map((task) => task.id) ?? [],
  };
}
