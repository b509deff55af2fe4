import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { Route } from '../../platform/http/route.decorator.js';
import { productVersion } from '../../platform/product-version.js';
import { type HolderOfTasks, LedgerReader } from '../ledger/index.js';
import { RegistryService, type Worker } from '../registry/index.js';
import { AgentListResponse, type AgentView, ServiceDescription } from './overview.dto.js';

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
  @ApiOperation({ summary: 'Show who is at what' })
  @ApiOkResponse({ type: AgentListResponse })
  @ApiProblems()
  async agents(): Promise<AgentListResponse> {
    const [holders, workers] = await Promise.all([this.ledger.listHolders(), this.registry.listWorkers()]);
    const byId = new Map(holders.map((holder) => [holder.lockedBy, holder]));
    const registered = new Set(workers.map((worker) => worker.workerId));
    const agents = [
      ...workers.map((worker) => agentView(worker.workerId, worker, byId.get(worker.workerId))),
      ...holders
        .filter((holder) => !registered.has(holder.lockedBy))
        .map((holder) => agentView(holder.lockedBy, undefined, holder)),
    ];
    return { agents: agents.sort(byLockThenId) };
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

/** By (locked_at or "", agent_id), descending. */
function byLockThenId(a: AgentView, b: AgentView): number {
  const key = (agent: AgentView) => [agent.active_task_locked_at ?? '', agent.agent_id] as const;
  const [[lockA, idA], [lockB, idB]] = [key(a), key(b)];
  if (lockA !== lockB) return lockA < lockB ? 1 : -1;
  return idA < idB ? 1 : idA > idB ? -1 : 0;
}
