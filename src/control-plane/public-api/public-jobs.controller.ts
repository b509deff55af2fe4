import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiParam, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { Database } from '../../platform/database/database.js';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { IdempotencyService } from '../idempotency/index.js';
import { JobListResponse, jobNotFound, JobResponse, JobsService } from '../jobs/index.js';
import { HostJobs } from '../ledger/index.js';
import { keyOf } from './access.hook.js';
import { settlementHeaders } from './payment-headers.js';
import { CancelPublicJobRequest, ListPublicJobsQuery, SubmitPublicJobRequest } from './public-jobs.dto.js';
import { listPublicJobs, ownsJob } from './public-jobs.queries.js';
import { publicView, SubmissionsService } from './submissions.service.js';

const JobId = () => Param('id', StorablePipe);
const JobIdParam = () => ApiParam({ name: 'id', description: 'The id of the job.' });

@ApiTags('public')
@ApiSecurity('publicKey')
@ApiSecurity('publicBearer')
@Controller('v1/public/jobs')
export class PublicJobsController {
  constructor(
    private readonly database: Database,
    private readonly submissions: SubmissionsService,
    private readonly service: JobsService,
    private readonly jobs: HostJobs,
    private readonly idempotency: IdempotencyService,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Hand in a job with a key of the public API',
    description: 'A job that has a price is answered with 402 until it comes with a payment by x402.',
  })
  @ApiHeader({
    name: 'PAYMENT-SIGNATURE',
    required: false,
    description: 'A payment by x402 version 2, in Base64.',
  })
  @ApiHeader({ name: 'X-PAYMENT', required: false, description: 'A payment by x402 version 1, in Base64.' })
  @ApiOkResponse({ type: JobResponse })
  @ApiProblems(
    ...(['public-api-disabled', 'public-key-invalid', 'bad-request', 'not-allowed-for-key'] as const),
    ...(['quota-used-up', 'idempotency-conflict', 'payment-required', 'payment-unsettled'] as const),
    ...(['facilitator-unreachable', 'facilitator-failed'] as const),
  )
  async submit(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body() body: SubmitPublicJobRequest,
  ): Promise<JobResponse> {
    const { job, settlement } = await this.submissions.submit(request, body);
    if (settlement !== undefined) void reply.headers(settlementHeaders(settlement));
    return { job };
  }

  @Get()
  @Route({ errors: 'problem' })
  @ApiOperation({ summary: 'List the jobs of a key, newest first' })
  @ApiOkResponse({ type: JobListResponse })
  @ApiProblems('public-api-disabled', 'public-key-invalid')
  async list(@Req() request: FastifyRequest, @Query() query: ListPublicJobsQuery): Promise<JobListResponse> {
    const limit = effectiveLimit(query.limit);
    const [before] =
      query.cursor === null ? [Number.MAX_SAFE_INTEGER] : decodeCursor(query.cursor, ['number']);
    if (limit === 0) return { jobs: [] };
    const found = await listPublicJobs(this.database, keyOf(request).id, Number(before), limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    const jobs = await this.jobs.findAll(page.map(({ jobId }) => jobId));
    const byId = new Map(jobs.map((job) => [job.id, job]));
    return {
      jobs: page
        .map(({ jobId }) => byId.get(jobId))
        .filter((job) => job !== undefined)
        .map((job) => publicView(job)),
      ...(found.length > limit && last !== undefined ? { next_cursor: encodeCursor([last.seq]) } : {}),
    };
  }

  @Get(':id')
  @JobIdParam()
  @ApiOperation({ summary: 'Show a job of a key' })
  @ApiOkResponse({ type: JobResponse })
  @ApiProblems('public-api-disabled', 'public-key-invalid', 'job-not-found')
  async get(@Req() request: FastifyRequest, @JobId() id: string): Promise<JobResponse> {
    await this.requireOwn(request, id);
    const job = await this.service.find(id);
    if (job === null) throw jobNotFound();
    return { job: publicView(job) };
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Route({ errors: 'problem' })
  @JobIdParam()
  @ApiOperation({ summary: 'End a job of a key, in whatever state it is' })
  @ApiOkResponse({ type: JobResponse })
  @ApiProblems(
    ...(['public-api-disabled', 'public-key-invalid', 'job-not-found'] as const),
    ...(['wrong-state', 'idempotency-conflict'] as const),
  )
  async cancel(
    @Req() request: FastifyRequest,
    @JobId() id: string,
    @Body() { reason }: CancelPublicJobRequest,
  ): Promise<JobResponse> {
    await this.requireOwn(request, id);
    return this.idempotency.run(request, async (db) => ({
      job: publicView(await this.service.cancel(db, id, reason)),
    }));
  }

  private async requireOwn(request: FastifyRequest, id: string): Promise<void> {
    if (!(await ownsJob(this.database, id, keyOf(request).id))) throw jobNotFound();
  }
}
