import { Body, Controller, Headers, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { Database, type Db } from '../../platform/database/database.js';
import { IdempotencyService } from '../idempotency/index.js';
import { HostsRegistry } from '../registry/index.js';
import { TOPICS, Waiting } from '../runtime/index.js';
import { HostServices } from './host-services.service.js';
import { serviceState } from './service-view.js';
import {
  ClaimServiceRequest,
  ClaimServiceResponse,
  ReportServiceRequest,
  ServiceResponse,
} from './services.dto.js';
import { Route } from '../../platform/http/route.decorator.js';

/** What is kept of the reason of a failure. */
const MAX_ERROR_LENGTH = 2_000;
const HOST_TOKEN = 'x-skyclaw-host-token';

/** Processes that hosts keep running, as the hosts see them. */
@ApiTags('services')
@ApiSecurity('skyclawToken')
@Controller('v1')
export class HostServicesController {
  constructor(
    private readonly database: Database,
    private readonly hosts: HostsRegistry,
    private readonly hostServices: HostServices,
    private readonly idempotency: IdempotencyService,
    private readonly waiting: Waiting,
  ) {}

  @Post('hosts/:id/services/claim')
  @HttpCode(200)
  @Route({ scope: 'claims' })
  @ApiParam({ name: 'id', description: 'The id of the host.' })
  @ApiOperation({ summary: 'Take over the next replica that a host should start' })
  @ApiOkResponse({ type: ClaimServiceResponse })
  @ApiProblems('host-not-found', 'host-revoked', 'idempotency-conflict')
  async claim(
    @Req() request: FastifyRequest,
    @Param('id', StorablePipe) hostId: string,
    @Body() { wait_ms: waitMs }: ClaimServiceRequest,
    @Headers(HOST_TOKEN) shownToken = '',
  ): Promise<ClaimServiceResponse> {
    await this.hosts.authorize(this.database, hostId, shownToken);
    const claim = async (db: Db) => this.claimed(db, hostId);
    const isStillClaimed = (db: Db, answer: ClaimServiceResponse) => this.isStillClaimed(db, hostId, answer);
    const claimed = await this.waiting.until(TOPICS.services, request.raw.socket, waitMs, async () => {
      // Nothing is written, not even a key, while there is nothing to have.
      const isWorthIt =
        (await this.idempotency.isUsed(request)) || (await this.hostServices.hasOffer(hostId));
      if (!isWorthIt) return null;
      const answer = await this.idempotency.run(request, claim, isStillClaimed);
      return answer.service === null ? null : answer;
    });
    return claimed ?? { service: null };
  }

  @Post('services/:id/report')
  @HttpCode(200)
  @Route({ scope: 'claims' })
  @ApiParam({ name: 'id', description: 'The id of the service.' })
  @ApiOperation({ summary: 'Say what became of a replica' })
  @ApiOkResponse({ type: ServiceResponse })
  @ApiProblems(
    ...(['bad-request', 'invalid-endpoint', 'service-not-found', 'service-not-assigned'] as const),
    ...(['host-revoked', 'idempotency-conflict'] as const),
  )
  async report(
    @Req() request: FastifyRequest,
    @Param('id', StorablePipe) id: string,
    @Body() body: ReportServiceRequest,
    @Headers(HOST_TOKEN) shownToken = '',
  ): Promise<ServiceResponse> {
    await this.hosts.authorize(this.database, body.hostId, shownToken);
    const { hostId, slot, generation, status, endpoint } = body;
    const error = body.error?.slice(0, MAX_ERROR_LENGTH) ?? null;
    const report = { hostId, slot, generation, status, endpoint, error };
    return this.idempotency.run(request, async (db) => ({
      service: serviceState(await this.hostServices.report(db, id, report)),
    }));
  }

  private async claimed(db: Db, hostId: string): Promise<ClaimServiceResponse> {
    const claimed = await this.hostServices.claim(db, hostId);
    if (claimed === null) return { service: null };
    return { service: serviceState(claimed.deployment, 'shown'), slot: claimed.assignment.slot };
  }

  /** A stored answer is repeated only while the host has still to start what it was told to. */
  private isStillClaimed(db: Db, hostId: string, { service, slot }: ClaimServiceResponse): Promise<boolean> {
    const row = service?.assignments.find(
      (assignment) =>
        assignment.hostId === hostId &&
        assignment.slot === slot &&
        assignment.generation === service.generation,
    );
    if (service === null || row === undefined) return Promise.resolve(false);
    return this.hostServices.isStillClaimed(db, service.id, row);
  }
}
