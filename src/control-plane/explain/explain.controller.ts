import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { Problem } from '../../platform/problems/problem.js';
import { jobNotFound } from '../jobs/index.js';
import { ExplainResponse } from './explain.dto.js';
import { ExplainService } from './explain.service.js';
import { explanation } from './explanation.js';

/** Why a task is not running. */
@ApiTags('tasks')
@Controller('v1/tasks')
export class ExplainController {
  constructor(private readonly service: ExplainService) {}

  @Get(':id/explain')
  @Route({ scope: 'tasks:read', project: { tasks: ['params.id'] }, errors: 'problem' })
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

/** The same of jobs, among the routes that hosts and their callers use. */
@ApiTags('jobs')
@Controller('v1/jobs')
export class ExplainJobController {
  constructor(private readonly service: ExplainService) {}

  @Get(':id/explain')
  @Route({ scope: 'tasks:read', project: { tasks: ['params.id'] }, errors: 'problem' })
  @ApiParam({ name: 'id', description: 'The id of the job.' })
  @ApiOperation({ summary: 'Say why a job is not running, and what would change that' })
  @ApiOkResponse({ type: ExplainResponse })
  @ApiProblems('job-not-found')
  async explain(@Param('id', StorablePipe) id: string): Promise<ExplainResponse> {
    const facts = await this.service.factsOf(id);
    if (facts === null || facts.situation.task.kind === 'action') throw jobNotFound();
    return explanation(facts);
  }
}
