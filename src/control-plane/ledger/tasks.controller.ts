import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { Database, type Db, type Tx } from '../../platform/database/database.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { noteOnSpan, traceOf } from '../../platform/http/request-tracing.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { type TraceContext } from '../../platform/tracing/domain/trace-context.js';
import { Tracer } from '../../platform/tracing/tracer.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import { RunTokens } from '../auth/index.js';
import { IdempotencyService } from '../idempotency/index.js';
import { RegistryService } from '../registry/index.js';
import { CONFIG } from '../runtime/index.js';
import { statusFromFilter } from './domain/task-state.js';
import { traceOfClaim } from './claim-traces.js';
import { type ClaimedTask, type Claimer, type ClaimProof, type Task } from './domain/task.js';
import { blankToNull } from './domain/text-lists.js';
import { EndingsService } from './endings.service.js';
import { CoalescedLedger } from './coalesced-ledger.service.js';
import { Foresight } from './foresight.service.js';
import {
  ClaimProofRequest,
  ClaimTaskRequest,
  ClaimTaskResponse,
  CompleteResponse,
  CompleteTaskRequest,
  EnqueueTaskRequest,
  EnqueueTaskResponse,
  ListTasksQuery,
  NextTaskQuery,
  NextTaskResponse,
  OkResponse,
  OperatorRequest,
  ReleaseTaskRequest,
  RenewResponse,
  TaskListResponse,
  TaskResponse,
  TaskState,
} from './ledger.dto.js';
import { LedgerMetrics } from './ledger.metrics.js';
import { LedgerReader } from './reader.service.js';
import {
  claimResponse,
  claimWish,
  COMPLETE_MISMATCH,
  enqueueRequest,
  RELEASE_MISMATCH,
  START_MISMATCH,
} from './requests.js';
import { taskState } from './task-view.js';
import { WaitingClaims } from './waiting-claims.service.js';
import { EnqueueWarnings } from './warnings.service.js';

const TaskId = () => Param('id', StorablePipe);
const TaskIdParam = () => ApiParam({ name: 'id', description: 'The id of the task.' });

@ApiTags('tasks')
@Controller('v1/tasks')
export class TasksController {
  constructor(
    private readonly database: Database,
    private readonly coalesced: CoalescedLedger,
    private readonly waiting: WaitingClaims,
    private readonly foresight: Foresight,
    private readonly endings: EndingsService,
    private readonly reader: LedgerReader,
    private readonly warnings: EnqueueWarnings,
    private readonly registry: RegistryService,
    private readonly runs: RunTokens,
    private readonly idempotency: IdempotencyService,
    private readonly metrics: LedgerMetrics,
    private readonly tracer: Tracer,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  @Post('enqueue')
  @HttpCode(200)
  @Route({ scope: 'tasks:write', project: { named: ['body.project_id'], tasks: ['body.dependencies.*'] } })
  @ApiOperation({ summary: 'Hand in a task' })
  @ApiOkResponse({ type: EnqueueTaskResponse })
  @ApiProblems('task-exists', 'task-depends-on-itself', 'dependencies-not-found', 'idempotency-conflict')
  async enqueue(
    @Req() request: FastifyRequest,
    @Body() body: EnqueueTaskRequest,
  ): Promise<EnqueueTaskResponse> {
    const warnings = await this.warnings.of([body], { named: false });
    return this.idempotency.run(request, async (db) => {
      const task = await this.coalesced.enqueue(db, enqueueRequest(body, traceOf(request)));
      noteOnSpan(request, { 'skynet.task.id': task.id, 'skynet.task.action': task.action });
      return { task: this.view(task), ...warnings };
    });
  }

  @Get()
  @Route({ scope: 'tasks:read', project: { named: ['query.project_id'] } })
  @ApiOperation({ summary: 'List tasks, newest first' })
  @ApiOkResponse({ type: TaskListResponse })
  @ApiProblems()
  async list(@Query() query: ListTasksQuery): Promise<TaskListResponse> {
    const limit = effectiveLimit(query.limit);
    const [before] =
      query.cursor === null ? [Number.MAX_SAFE_INTEGER] : decodeCursor(query.cursor, ['number']);
    const wanted =
      query.status === null || query.status.trim() === '' ? null : statusFromFilter(query.status);
    if (wanted === undefined || limit === 0) return { tasks: [] };
    const kind = query.kind === '' ? null : query.kind;
    const tasks = await this.reader.listTasks(
      { status: wanted, kind, projectId: query.project_id === '' ? null : query.project_id },
      Number(before),
      limit + 1,
    );
    const page = tasks.slice(0, limit);
    const last = page.at(-1);
    return {
      tasks: page.map((task) => this.view(task)),
      ...(tasks.length > limit && last !== undefined ? { next_cursor: encodeCursor([last.seq]) } : {}),
    };
  }

  @Get('next')
  @Route({ scope: 'tasks:read', project: { named: ['query.project_id'] } })
  @ApiOperation({ summary: 'Show what a worker would get, without claiming it' })
  @ApiOkResponse({ type: NextTaskResponse })
  @ApiProblems()
  async next(@Query() query: NextTaskQuery): Promise<NextTaskResponse> {
    const task = await this.foresight.peek(this.database, worker(query.agent_id, query.project_id));
    return {
      eligible: task !== null,
      agent_id: query.agent_id,
      task: task === null ? null : this.view(task),
    };
  }

  @Get(':id')
  @Route({ scope: 'tasks:read', project: { tasks: ['params.id'] } })
  @TaskIdParam()
  @ApiOperation({ summary: 'Show a task' })
  @ApiOkResponse({ type: TaskState })
  @ApiProblems('task-not-found')
  async get(@TaskId() id: string): Promise<TaskState> {
    const task = await this.reader.findTask(id);
    if (task === null) throw new Problem('task-not-found', 'Task not found');
    return this.view(task);
  }

  @Post('claim')
  @HttpCode(200)
  @Route({ scope: 'claims', project: { named: ['body.project_id'] } })
  @ApiOperation({ summary: 'Claim the next ready task for a worker' })
  @ApiOkResponse({ type: ClaimTaskResponse })
  @ApiProblems('idempotency-conflict')
  claim(@Req() request: FastifyRequest, @Body() body: ClaimTaskRequest): Promise<ClaimTaskResponse> {
    this.registry.seen(body.worker_id);
    return this.idempotency.run<ClaimTaskResponse>(
      request,
      async (db) => {
        const traces = this.tracesFrom(request);
        const tasks = await this.waiting.claim(db, claimWish(body.worker_id, body), request.raw.socket);
        return claimResponse(tasks, body, this.runs, traces);
      },
      (tx, answer) => this.isStillHeld(tx, answer),
    );
  }

  @Post(':id/start')
  @HttpCode(200)
  @Route({ scope: 'claims', project: { tasks: ['params.id'] }, byRun: true })
  @TaskIdParam()
  @ApiOperation({ summary: 'Say that execution begins' })
  @ApiOkResponse({ type: OkResponse })
  @ApiProblems('claim-mismatch', 'idempotency-conflict')
  start(
    @Req() request: FastifyRequest,
    @TaskId() id: string,
    @Body() body: ClaimProofRequest,
  ): Promise<OkResponse> {
    return this.held(request, body, START_MISMATCH, async (db) => {
      return (await this.coalesced.start(db, proofOf(id, body))) ? { ok: true } : null;
    });
  }

  @Post(':id/renew')
  @HttpCode(200)
  @Route({ scope: 'claims', project: { tasks: ['params.id'] }, byRun: true, errors: 'problem' })
  @TaskIdParam()
  @ApiOperation({ summary: 'Let the lease begin anew' })
  @ApiOkResponse({ type: RenewResponse })
  @ApiProblems('claim-mismatch', 'idempotency-conflict')
  renew(
    @Req() request: FastifyRequest,
    @TaskId() id: string,
    @Body() body: ClaimProofRequest,
  ): Promise<RenewResponse> {
    return this.held(request, body, START_MISMATCH, async (db) => {
      const end = await this.coalesced.renew(db, proofOf(id, body));
      return end === null ? null : { ok: true, lease_expires_at: end };
    });
  }

  @Post(':id/complete')
  @HttpCode(200)
  @Route({
    scope: 'claims',
    project: { tasks: ['params.id'], named: ['body.claim_next.project_id'] },
    byRun: true,
  })
  @TaskIdParam()
  @ApiOperation({ summary: 'Report how a task ended' })
  @ApiOkResponse({ type: CompleteResponse })
  @ApiProblems('claim-mismatch', 'idempotency-conflict')
  complete(
    @Req() request: FastifyRequest,
    @TaskId() id: string,
    @Body() body: CompleteTaskRequest,
  ): Promise<CompleteResponse> {
    return this.held(request, body, COMPLETE_MISMATCH, async (db) => {
      const done = await this.coalesced.complete(db, proofOf(id, body), body);
      if (!this.metrics.reported('worker', done)) return null;
      const { claim_next: next } = body;
      if (next === null) return { ok: true };
      const traces = this.tracesFrom(request);
      const tasks = await this.waiting.claim(db, claimWish(body.worker_id, next), request.raw.socket);
      return { ok: true, next: claimResponse(tasks, next, this.runs, traces) };
    });
  }

  @Post(':id/release')
  @HttpCode(200)
  @Route({ scope: 'claims', project: { tasks: ['params.id'] }, byRun: true })
  @TaskIdParam()
  @ApiOperation({ summary: 'Give a task back, or up' })
  @ApiOkResponse({ type: OkResponse })
  @ApiProblems('claim-mismatch', 'idempotency-conflict')
  release(
    @Req() request: FastifyRequest,
    @TaskId() id: string,
    @Body() body: ReleaseTaskRequest,
  ): Promise<OkResponse> {
    return this.held(request, body, RELEASE_MISMATCH, async (db) => {
      const { reason, back_to_pending } = body;
      const isGivenUp = !back_to_pending;
      return (await this.coalesced.release(db, proofOf(id, body), { reason, isGivenUp }))
        ? { ok: true }
        : null;
    });
  }

  @Post(':id/retry')
  @HttpCode(200)
  @Route({
    scope: 'tasks:write',
    project: { tasks: ['params.id'] },
    errors: 'problem',
    audit: { action: 'task.retry' },
  })
  @TaskIdParam()
  @ApiOperation({ summary: 'Start a failed task anew, with the dependents that failed because of it' })
  @ApiOkResponse({ type: TaskResponse })
  @ApiProblems('task-not-found', 'wrong-state', 'idempotency-conflict')
  retry(
    @Req() request: FastifyRequest,
    @TaskId() id: string,
    @Body() body: OperatorRequest,
  ): Promise<TaskResponse> {
    return this.idempotency.run(request, async (db) => ({
      task: this.view(await this.endings.retry(db, id, body.reason)),
    }));
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Route({
    scope: 'tasks:write',
    project: { tasks: ['params.id'] },
    errors: 'problem',
    audit: { action: 'task.cancel' },
  })
  @TaskIdParam()
  @ApiOperation({ summary: 'End a task in whatever state it is' })
  @ApiOkResponse({ type: TaskResponse })
  @ApiProblems('task-not-found', 'wrong-state', 'idempotency-conflict')
  cancel(
    @Req() request: FastifyRequest,
    @TaskId() id: string,
    @Body() body: OperatorRequest,
  ): Promise<TaskResponse> {
    return this.idempotency.run(request, async (db) => ({
      task: this.view(await this.endings.cancel(db, id, body.reason)),
    }));
  }

  /** A call by a holder: refreshes the worker, and is a 409 with `mismatch` when the proof does not hold. */
  private held<T>(
    request: FastifyRequest,
    { worker_id }: ClaimProofRequest,
    mismatch: string,
    work: (db: Db) => Promise<T | null>,
  ): Promise<T> {
    this.registry.seen(worker_id);
    return this.idempotency.run(request, async (db) => {
      const answer = await work(db);
      if (answer === null) throw new Problem('claim-mismatch', mismatch);
      return answer;
    });
  }

  /** Whether the claimer may still work on one of the tasks: with a new claim nobody would know of it. */
  private async isStillHeld(tx: Tx, { task, tasks }: ClaimTaskResponse): Promise<boolean> {
    for (const claimed of tasks ?? (task === null ? [] : [task])) {
      const now = await this.reader.findTask(claimed.id, tx);
      if (now !== null && now.claimToken === claimed.claim_token) return true;
    }
    return false;
  }

  /** Where the traces of what is claimed from now on go on. */
  private tracesFrom(request: FastifyRequest): (task: ClaimedTask) => TraceContext | null {
    const circumstances = { beganAtMs: Date.now(), request };
    return (task) => traceOfClaim(this.tracer, task, circumstances);
  }

  private view(task: Task): TaskState {
    return taskState(task, { showToken: !this.config.ledger.redactClaimTokens });
  }
}

function worker(id: string, projectId: string | null): Claimer {
  return { holder: 'worker', id, capabilities: null, projectId: blankToNull(projectId) };
}

function proofOf(taskId: string, { worker_id, claim_token }: ClaimProofRequest): ClaimProof {
  return { taskId, workerId: worker_id, claimToken: claim_token };
}
