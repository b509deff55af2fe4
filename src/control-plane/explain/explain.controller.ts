import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { Problem } from '../../platform/problems/problem.js';
import { type Facts, type Reason } from './domain/facts.js';
import { isRunnable, neverOf, reasonsOf, summaryOf } from './domain/reasons.js';
import { ExplainResponse, type ReasonView } from './explain.dto.js';
import { ExplainService } from './explain.service.js';

/** Why a task is not running. */
@ApiTags('tasks')
@Controller('v1/tasks')
export class ExplainController {
  constructor(private readonly service: ExplainService) {}

  @Get(':id/explain')
  @Route({ errors: 'problem' })
  @ApiParam({ name: 'id', description: 'The id of the task.' })
  @ApiOperation({ summary: 'Say why a task is not running, and what would change that' })
  @ApiOkResponse({ type: ExplainResponse })
  @ApiProblems('task-not-found')
  async explain(@Param('id', StorablePipe) id: string): Promise<ExplainResponse> {
    const facts = await this.service.factsOf(id);
    if (facts === null) throw new Problem('task-not-found', 'Task not found');
    return explanation(facts);
  }
}

function explanation(facts: Facts): ExplainResponse {
  const { task } = facts.situation;
  const reasons = reasonsOf(facts);
  const never = neverOf(facts);
  return {
    task_id: task.id,
    status: task.status,
    runnable: isRunnable(facts),
    summary: summaryOf(facts, reasons),
    reasons: reasons.map(reasonView),
    never: never !== null,
    never_reason: never,
    checked_at: task.checkedAt,
  };
}

function reasonView({ code, message, since, details, unblock }: Reason): ReasonView {
  return {
    ...{ code, message },
    ...(since === undefined ? {} : { since }),
    details: { ...details },
    unblock: unblock.map(({ method, path, body, why }) => ({
      ...{ method, path },
      ...(body === undefined ? {} : { body: { ...body } }),
      why,
    })),
  };
}
