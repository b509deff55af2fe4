import { Body, Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { Database } from '../../platform/database/database.js';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { hostTokenFrom } from '../auth/index.js';
import { idempotencyKeyOf, IdempotencyService } from '../idempotency/index.js';
import { HostsRegistry } from '../registry/index.js';
import { TOPICS, Waiting } from '../runtime/index.js';
import { jobView } from './job-view.js';
import { ClaimJobRequest, ClaimJobResponse } from './jobs.dto.js';
import { JobsService } from './jobs.service.js';
import { Route } from '../../platform/http/route.decorator.js';

const NOTHING: ClaimJobResponse = { job: null };

@ApiTags('hosts')
@Controller('v1/hosts')
export class HostClaimsController {
  constructor(
    private readonly service: JobsService,
    private readonly hosts: HostsRegistry,
    private readonly idempotency: IdempotencyService,
    private readonly database: Database,
    private readonly waiting: Waiting,
  ) {}

  @Post(':id/claim')
  @HttpCode(200)
  @Route({ scope: 'claims' })
  @ApiParam({ name: 'id', description: 'The id of the host.' })
  @ApiOperation({ summary: 'Claim the next job for a host' })
  @ApiOkResponse({ type: ClaimJobResponse })
  @ApiProblems('host-not-found', 'host-revoked', 'idempotency-conflict')
  async claim(
    @Req() request: FastifyRequest,
    @Param('id', StorablePipe) hostId: string,
    @Body() { wait_ms: waitMs }: ClaimJobRequest,
  ): Promise<ClaimJobResponse> {
    if (idempotencyKeyOf(request) === null) return this.once(request, hostId, waitMs);
    // A key is kept in the transaction of its claim, which must not wait, and is not worth being written for nothing.
    await this.hosts.authorize(this.database, hostId, hostTokenFrom(request));
    const { socket } = request.raw;
    const claimed = await this.waiting.until(TOPICS.ready, socket, waitMs, async () => {
      const isWorthIt = (await this.idempotency.isUsed(request)) || (await this.service.couldClaim(hostId));
      const answer = isWorthIt ? await this.once(request, hostId, 0) : NOTHING;
      return answer.job === null ? null : answer;
    });
    return claimed ?? NOTHING;
  }

  private once(request: FastifyRequest, hostId: string, waitMs: number): Promise<ClaimJobResponse> {
    return this.idempotency.run<ClaimJobResponse>(
      request,
      async (db) => {
        await this.hosts.authorize(db, hostId, hostTokenFrom(request));
        const job = await this.service.claim(db, hostId, waitMs, request.raw.socket);
        if (job === null) return NOTHING;
        return { job: jobView(job, { showEnv: true, leaseToken: job.claimToken ?? '' }) };
      },
      async (tx, { job }) => job !== null && (await this.service.isHeld(tx, job.id, job.leaseToken ?? '')),
    );
  }
}
