import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { type Db } from '../../platform/database/database.js';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { hostTokenFrom } from '../auth/index.js';
import { IdempotencyService } from '../idempotency/index.js';
import { blankToNull, EnqueueWarnings, HostJobs } from '../ledger/index.js';
import { HostsRegistry } from '../registry/index.js';
import { jobView } from './job-view.js';
import {
  CancelJobRequest,
  CompleteJobRequest,
  JobListResponse,
  JobResponse,
  ListJobsQuery,
  RenewJobRequest,
  SubmitJobRequest,
  SubmitJobResponse,
} from './jobs.dto.js';
import { jobNotFound, JobsService } from './jobs.service.js';
import { newJob, reportFrom } from './requests.js';

/** A completion carries two outputs, escaped. */
const MAX_COMPLETION_BYTES = 8 * 1_048_576;
const LISTED = ['queued', 'leased', 'completed', 'failed'] as const;

const JobId = () => Param('id', StorablePipe);
const JobIdParam = () => ApiParam({ name: 'id', description: 'The id of the job.' });

@ApiTags('jobs')
@Controller('v1/jobs')
export class JobsController {
  constructor(
    private readonly service: JobsService,
    private readonly jobs: HostJobs,
    private readonly hosts: HostsRegistry,
    private readonly warnings: EnqueueWarnings,
    private readonly idempotency: IdempotencyService,
  ) {}

  @Post()
  @HttpCode(200)
  @Route({
    scope: 'jobs:submit',
    project: { named: ['body.projectId'], tasks: ['body.dependencies.*'] },
  })
  @ApiOperation({ summary: 'Hand in a job' })
  @ApiOkResponse({ type: SubmitJobResponse })
  @ApiProblems('bad-request', 'dependencies-not-found', 'idempotency-conflict')
  submit(@Req() request: FastifyRequest, @Body() body: SubmitJobRequest): Promise<SubmitJobResponse> {
    const job = newJob(body);
    return this.idempotency.run(request, async (db) => ({
      job: jobView(await this.service.submit(db, job), { showEnv: true }),
      ...(await this.warnings.ofJob(job.requiredCapabilities)),
    }));
  }

  @Get()
  @Route({ scope: 'tasks:read', project: { named: ['query.projectId'] } })
  @ApiOperation({ summary: 'List jobs, newest first' })
  @ApiOkResponse({ type: JobListResponse })
  @ApiProblems()
  async list(@Query() query: ListJobsQuery): Promise<JobListResponse> {
    const limit = effectiveLimit(query.limit);
    const [before] =
      query.cursor === null ? [Number.MAX_SAFE_INTEGER] : decodeCursor(query.cursor, ['number']);
    const word = query.status?.trim().toLowerCase() ?? '';
    const standing = word === '' ? 'any' : LISTED.find((status) => status === word);
    if (standing === undefined || limit === 0) return { jobs: [] };
    const found = await this.jobs.list(standing, Number(before), limit + 1, blankToNull(query.projectId));
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      jobs: page.map((job) => jobView(job)),
      ...(found.length > limit && last !== undefined ? { next_cursor: encodeCursor([last.seq]) } : {}),
    };
  }

  @Get(':id')
  @Route({ scope: 'tasks:read', project: { tasks: ['params.id'] }, errors: 'problem' })
  @JobIdParam()
  @ApiOperation({ summary: 'Show a job' })
  @ApiOkResponse({ type: JobResponse })
  @ApiProblems('job-not-found')
  async get(@JobId() id: string): Promise<JobResponse> {
    const job = await this.service.find(id);
    if (job === null) throw jobNotFound();
    return { job: jobView(job) };
  }

  @Post(':id/renew')
  @HttpCode(200)
  @Route({ scope: 'claims', project: { tasks: ['params.id'] }, errors: 'problem' })
  @JobIdParam()
  @ApiOperation({ summary: 'Let the lease of a job begin anew' })
  @ApiOkResponse({ type: JobResponse })
  @ApiProblems('host-not-found', 'host-revoked', 'job-not-found', 'job-not-held', 'idempotency-conflict')
  renew(
    @Req() request: FastifyRequest,
    @JobId() jobId: string,
    @Body() { hostId, leaseToken }: RenewJobRequest,
  ): Promise<JobResponse> {
    return this.asHost(request, hostId, async (db) => ({
      job: jobView(await this.service.renew(db, { jobId, hostId, leaseToken })),
    }));
  }

  @Post(':id/complete')
  @HttpCode(200)
  @Route({
    scope: 'claims',
    project: { tasks: ['params.id'] },
    maxBodyBytes: MAX_COMPLETION_BYTES,
    mendsText: true,
  })
  @JobIdParam()
  @ApiOperation({ summary: 'Report how a job ended' })
  @ApiOkResponse({ type: JobResponse })
  @ApiProblems('host-not-found', 'host-revoked', 'job-not-found', 'job-not-held', 'idempotency-conflict')
  complete(
    @Req() request: FastifyRequest,
    @JobId() jobId: string,
    @Body() body: CompleteJobRequest,
  ): Promise<JobResponse> {
    return this.asHost(request, body.hostId, async (db) => ({
      job: jobView(await this.service.complete(db, reportFrom(jobId, body))),
    }));
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Route({
    scope: 'jobs:submit',
    project: { tasks: ['params.id'] },
    errors: 'problem',
    audit: { action: 'job.cancel' },
  })
  @JobIdParam()
  @ApiOperation({ summary: 'End a job in whatever state it is; its host is told to stop it' })
  @ApiOkResponse({ type: JobResponse })
  @ApiProblems('job-not-found', 'wrong-state', 'idempotency-conflict')
  cancel(
    @Req() request: FastifyRequest,
    @JobId() id: string,
    @Body() { reason }: CancelJobRequest,
  ): Promise<JobResponse> {
    return this.idempotency.run(request, async (db) => ({
      job: jobView(await this.service.cancel(db, id, reason)),
    }));
  }

  /** A call that says which host it comes from. */
  private asHost<T>(request: FastifyRequest, hostId: string, work: (db: Db) => Promise<T>): Promise<T> {
    return this.idempotency.run(request, async (db) => {
      await this.hosts.authorize(db, hostId, hostTokenFrom(request));
      return work(db);
    });
  }
}
