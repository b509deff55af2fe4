import { Body, Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { hostTokenFrom } from '../auth/index.js';
import { IdempotencyService } from '../idempotency/index.js';
import { HostsRegistry } from '../registry/index.js';
import { jobView } from './job-view.js';
import { ClaimJobRequest, ClaimJobResponse } from './jobs.dto.js';
import { JobsService } from './jobs.service.js';

@ApiTags('hosts')
@Controller('v1/hosts')
export class HostClaimsController {
  constructor(
    private readonly service: JobsService,
    private readonly hosts: HostsRegistry,
    private readonly idempotency: IdempotencyService,
  ) {}

  @Post(':id/claim')
  @HttpCode(200)
  @ApiParam({ name: 'id', description: 'The id of the host.' })
  @ApiOperation({ summary: 'Claim the next job for a host' })
  @ApiOkResponse({ type: ClaimJobResponse })
  @ApiProblems('host-not-found', 'host-revoked', 'idempotency-conflict')
  claim(
    @Req() request: FastifyRequest,
    @Param('id', StorablePipe) hostId: string,
    @Body() body: ClaimJobRequest,
  ): Promise<ClaimJobResponse> {
    return this.idempotency.run<ClaimJobResponse>(
      request,
      async (db) => {
        await this.hosts.authorize(db, hostId, hostTokenFrom(request));
        const job = await this.service.claim(db, hostId, body.wait_ms, request.raw.socket);
        if (job === null) return { job: null };
        return { job: jobView(job, { showEnv: true, leaseToken: job.claimToken ?? '' }) };
      },
      async (tx, { job }) => job !== null && (await this.service.isHeld(tx, job.id, job.leaseToken ?? '')),
    );
  }
}
