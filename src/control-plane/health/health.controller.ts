import { Controller, Get, Res, ServiceUnavailableException } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { type FastifyReply } from 'fastify';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { Route } from '../../platform/http/route.decorator.js';
import { Problem } from '../../platform/problems/problem.js';
import { productVersion } from '../../platform/product-version.js';
import { type ComponentName, HealthRegistry } from '../runtime/index.js';
import { HealthResponse, ReadyResponse } from './health.dto.js';
import { Readiness } from './readiness.js';

@ApiTags('health')
@Controller()
export class HealthController {
  constructor(
    private readonly health: HealthRegistry,
    private readonly checks: HealthCheckService,
    private readonly readiness: Readiness,
  ) {}

  @Get('livez')
  @Route({ access: 'public', uncounted: true })
  @ApiOperation({ summary: 'Whether the process turns', security: [] })
  @ApiOkResponse({ description: 'It does.' })
  livez(): Promise<HealthCheckResult> {
    return this.checks.check([]);
  }

  @Get('startupz')
  @Route({ access: 'public', uncounted: true })
  @ApiOperation({ summary: 'Whether the start is over', security: [] })
  @ApiOkResponse({ description: 'It is.' })
  @ApiServiceUnavailableResponse({ description: 'Not yet.' })
  startupz(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthCheckResult> {
    return answered(this.checks.check([() => this.readiness.started()]), reply);
  }

  @Get('readyz')
  @Route({ access: 'public', uncounted: true })
  @ApiOperation({ summary: 'Whether this replica should be sent requests', security: [] })
  @ApiOkResponse({ description: 'It should.' })
  @ApiServiceUnavailableResponse({
    description: 'Starting, draining, without database, or with a loop that is stuck; `error` says which.',
  })
  readyz(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthCheckResult> {
    return answered(this.checkReadiness(), reply);
  }

  @Get('v1/health')
  @Route({ access: 'public', uncounted: true })
  @ApiOperation({ summary: 'Show how the parts of this replica are', security: [] })
  @ApiOkResponse({ type: HealthResponse })
  async show(): Promise<HealthResponse> {
    const hasDatabase = await this.readiness.hasDatabase();
    const state = (name: ComponentName) => this.health.stateOf(name) ?? 'not_running';
    const stored = (name: ComponentName) =>
      hasDatabase ? (this.health.stateOf(name) ?? 'not_initialized') : 'not_initialized';
    const components = {
      control_registry: stored('control_registry'),
      gateway_client: this.health.stateOf('gateway_client') ?? 'not_initialized',
      task_queue: stored('task_queue'),
      control_scheduler: state('control_scheduler'),
      stale_lock_reaper: state('stale_lock_reaper'),
    };
    const healthy = Object.values(components).every((component) => component === 'ok');
    return { status: healthy ? 'ok' : 'degraded', version: productVersion, components };
  }

  @Get('v1/ready')
  @Route({ scope: 'tasks:read', errors: 'problem' })
  @ApiOperation({ summary: 'Whether this replica should be sent requests, for callers with a key' })
  @ApiOkResponse({ type: ReadyResponse })
  @ApiProblems('not-ready')
  async ready(): Promise<ReadyResponse> {
    try {
      await this.checkReadiness();
    } catch (error) {
      throw new Problem(
        'not-ready',
        'This replica is starting, draining, without its database, or has a loop that is stuck.',
        {
          cause: error,
          retryAfterSeconds: 1,
        },
      );
    }
    return { status: 'ok' };
  }

  private checkReadiness(): Promise<HealthCheckResult> {
    return this.checks.check([
      () => this.readiness.serving(),
      () => this.readiness.databaseAnswers(),
      () => this.readiness.loopsTurn(),
    ]);
  }
}

/** Terminus throws when a check fails; who looks at a probe wants to see which, with the status that says so. */
async function answered(check: Promise<HealthCheckResult>, reply: FastifyReply): Promise<HealthCheckResult> {
  try {
    return await check;
  } catch (error) {
    if (!(error instanceof ServiceUnavailableException)) throw error;
    void reply.status(503);
    return error.getResponse() as HealthCheckResult;
  }
}
