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
import { AppendLogsResponse, AppendServiceLogsRequest, LogsResponse, ReadLogsQuery } from './logs.dto.js';
import { LogsReader } from './logs-reader.js';
import { LogsService } from './logs.service.js';
import { refuseTooMuch, responseOf } from './requests.js';

const ServiceIdParam = () => ApiParam({ name: 'id', description: 'The id of the service.' });

@ApiTags('services')
@ApiExtraModels(LogsResponse)
@Controller('v1/services')
export class ServiceLogsController {
  constructor(
    private readonly service: LogsService,
    private readonly reader: LogsReader,
    private readonly hosts: HostsRegistry,
    private readonly database: Database,
  ) {}

  @Post(':id/logs')
  @HttpCode(200)
  @Route({ scope: 'claims', errors: 'problem', maxBodyBytes: MAX_APPEND_BYTES, mendsText: true })
  @ServiceIdParam()
  @ApiOperation({
    summary: 'Ship output of a service while it runs',
    description:
      'Of each host the newest `SKYCLAW_LOG_MAX_BYTES` are kept. Safe to repeat, with or without an idempotency key: ' +
      'entries that are there already are skipped.',
  })
  @ApiOkResponse({ type: AppendLogsResponse })
  @ApiProblems('host-not-found', 'host-revoked', 'service-not-found', 'service-not-assigned')
  async append(
    @Req() request: FastifyRequest,
    @Param('id', StorablePipe) serviceId: string,
    @Body() body: AppendServiceLogsRequest,
  ): Promise<AppendLogsResponse> {
    refuseTooMuch(body.entries);
    await this.hosts.authorize(this.database, body.hostId, hostTokenFrom(request));
    const { hostId, attempt, entries, slot, generation } = body;
    const shipment = { hostId, attempt, entries, slot: slot ?? 0, generation: generation ?? 0 };
    return responseOf(await this.service.appendToService(serviceId, shipment));
  }

  @Get(':id/logs')
  @Route({ scope: 'tasks:read', errors: 'problem' })
  @ServiceIdParam()
  @ApiHeader(LAST_EVENT_ID)
  @ApiOperation({ summary: 'Read the output of a service, or follow it', description: readDescription })
  @ApiOkResponse(readAnswer)
  @ApiProblems('service-not-found', 'too-many-streams')
  read(
    @Param('id', StorablePipe) id: string,
    @Query() query: ReadLogsQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.reader.answer({ kind: 'service', id }, query, request, reply);
  }
}
