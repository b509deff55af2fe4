import { Body, Controller, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { IdempotencyService } from '../idempotency/index.js';
import {
  AnswerApprovalRequest,
  ApprovalResponse,
  ApprovalsResponse,
  type ApprovalView,
} from './approvals.dto.js';
import { type Approval } from './approvals.queries.js';
import { ApprovalsService } from './approvals.service.js';

const TaskIdParam = () => ApiParam({ name: 'id', description: 'The id of the task.' });

@ApiTags('tasks')
@Controller('v1/tasks/:id/approvals')
export class ApprovalsController {
  constructor(
    private readonly approvals: ApprovalsService,
    private readonly idempotency: IdempotencyService,
  ) {}

  @Get()
  @Route({ scope: 'tasks:read', project: { tasks: ['params.id'] } })
  @TaskIdParam()
  @ApiOperation({ summary: 'List the commands that a gateway asks about' })
  @ApiOkResponse({ type: ApprovalsResponse })
  @ApiProblems()
  async list(@Param('id', StorablePipe) id: string): Promise<ApprovalsResponse> {
    return { approvals: (await this.approvals.list(id)).map(approvalView) };
  }

  @Post(':approvalId')
  @HttpCode(200)
  @Route({
    scope: 'tasks:write',
    project: { tasks: ['params.id'] },
    audit: { action: 'approval.answer', detail: ['decision'], written: 'before the work' },
  })
  @TaskIdParam()
  @ApiParam({ name: 'approvalId', description: 'What the gateway calls its request.' })
  @ApiOperation({ summary: 'Allow a command, or deny it' })
  @ApiOkResponse({ type: ApprovalResponse })
  @ApiProblems(
    'bad-request',
    'approval-not-found',
    'approval-answered',
    'gateway-not-found',
    'gateway-unreachable',
    'idempotency-conflict',
  )
  answer(
    @Req() request: FastifyRequest,
    @Param('id', StorablePipe) id: string,
    @Param('approvalId', StorablePipe) approvalId: string,
    @Body() { decision }: AnswerApprovalRequest,
  ): Promise<ApprovalResponse> {
    return this.idempotency.runOutside(
      request,
      () => ({}),
      async () => ({ approval: approvalView(await this.approvals.answer(id, approvalId, decision)) }),
    );
  }
}

function approvalView(approval: Approval): ApprovalView {
  return {
    task_id: approval.taskId,
    approval_id: approval.approvalId,
    gateway_id: approval.gatewayId,
    command: approval.command,
    cwd: approval.cwd,
    decisions: [...approval.decisions],
    requested_at: approval.requestedAt,
    expires_at: approval.expiresAt,
    decision: approval.decision,
  };
}
