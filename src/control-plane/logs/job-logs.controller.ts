import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiExtraModels, ApiHeader, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { Database } from '../../platform/database/database.js';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { hostTokenFrom } from '../auth/index.js';
import { HostsRegistry } from '../registry/index.js';
import { LAST_EVENT_ID, MAX_APPEND_BYTES, readAnswer, readDescription } from './api.js';
import { AppendJobLogsRequest, AppendLogsResponse, LogsResponse, ReadLogsQuery } from './logs.dto.js';
import { LogsReader } from './logs-reader.js';
import { LogsService } from './logs.service.js';
import { refuseTooMuch, responseOf } from './requests.js';

const JobIdParam = () => ApiParam({ name: 'id', description: 'The id of the job.' });

@ApiTags('jobs')
@ApiExtraModels(LogsResponse)
@Controller('v1/jobs')
export class JobLogsController {
  constructor(
    private readonly service: LogsService,
    private readonly reader: LogsReader,
    private readonly hosts: HostsRegistry,
    private readonly database: Database,
  ) {}

  @Post(':id/logs')
  @HttpCode(200)
  @Route({
    scope: 'claims',
    project: { tasks: ['params.id'] },
    errors: 'problem',
    maxBodyBytes: MAX_APPEND_BYTES,
    mendsText: true,
  })
  @JobIdParam()
  @ApiOperation({
    summary: 'Ship output of a job while it runs',
    description:
      'Safe to repeat, with or without an idempotency key: entries that are there already are skipped.',
  })
  @ApiOkResponse({ type: AppendLogsResponse })
  @ApiProblems('host-not-found', 'host-revoked', 'job-not-found', 'job-not-held')
  async append(
    @Req() request: FastifyRequest,
    @Param('id', StorablePipe) jobId: string,
    @Body() body: AppendJobLogsRequest,
  ): Promise<AppendLogsResponse> {
    refuseTooMuch(body.entries);
    await this.hosts.authorize(this.database, body.hostId, hostTokenFrom(request));
    return responseOf(await this.service.appendToJob(jobId, body));
  }

  @Get(':id/logs')
  @Route({ scope: 'tasks:read', project: { tasks: ['params.id'] }, errors: 'problem' })
  @JobIdParam()
  @ApiHeader(LAST_EVENT_ID)
  @ApiOperation({
    summary: 'Read the output of a job, or follow it',
    description:
      'Where the host has shipped nothing of the last attempt, what its result says of the output is told once the job ' +
      `has ended. ${readDescription} Once the job has ended and all is told comes \`end\`, with the job's \`status\`, ` +
      '`exitCode` and `error`.',
  })
  @ApiOkResponse(readAnswer)
  @ApiProblems('job-not-found', 'too-many-streams')
  read(
    @Param('id', StorablePipe) id: string,
    @Query() query: ReadLogsQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.reader.answer({ kind: 'job', id }, query, request, reply);
  }
}
