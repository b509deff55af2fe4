import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { Database, type Db } from '../../platform/database/database.js';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { traceOf } from '../../platform/http/request-tracing.js';
import { Route } from '../../platform/http/route.decorator.js';
import { Tracer } from '../../platform/tracing/tracer.js';
import { RunTokens } from '../auth/index.js';
import { IdempotencyService } from '../idempotency/index.js';
import { RegistryService } from '../registry/index.js';
import {
  CompletedItems,
  CompleteTasksRequest,
  EnqueueBatchRequest,
  EnqueueBatchResponse,
  type EnqueuedTask,
  type HeldTask,
  HeldTasksRequest,
  type ItemResult,
  ItemResults,
  ReleaseTasksRequest,
  RenewedItems,
} from './batch.dto.js';
import { CoalescedLedger } from './coalesced-ledger.service.js';
import { traceOfClaim } from './claim-traces.js';
import { type ClaimedTask, type ClaimProof } from './domain/task.js';
import { type Entered, IntakeService } from './intake.service.js';
import {
  claimResponse,
  claimWish,
  COMPLETE_MISMATCH,
  enqueueRequest,
  RELEASE_MISMATCH,
  START_MISMATCH,
} from './requests.js';
import { LedgerMetrics } from './ledger.metrics.js';
import { WaitingClaims } from './waiting-claims.service.js';
import { EnqueueWarnings } from './warnings.service.js';

/** The hot calls for many tasks at once. What they say of one task is what the calls for one say. */
@ApiTags('tasks')
@Controller('v1/tasks')
export class BatchController {
  constructor(
    private readonly intake: IntakeService,
    private readonly coalesced: CoalescedLedger,
    private readonly waiting: WaitingClaims,
    private readonly registry: RegistryService,
    private readonly warnings: EnqueueWarnings,
    private readonly runs: RunTokens,
    private readonly idempotency: IdempotencyService,
    private readonly metrics: LedgerMetrics,
    private readonly tracer: Tracer,
  ) {}

  @Post('batch')
  @HttpCode(200)
  @Route({
    scope: 'tasks:write',
    project: { named: ['body.tasks.*.project_id'], tasks: ['body.tasks.*.dependencies.*'] },
    errors: 'problem',
  })
  @ApiOperation({ summary: 'Hand in many tasks, or a whole graph: all or none' })
  @ApiOkResponse({ type: EnqueueBatchResponse })
  @ApiProblems(
    'task-exists',
    'task-depends-on-itself',
    'dependency-cycle',
    'dependencies-not-found',
    'idempotency-conflict',
  )
  async enqueue(
    @Req() request: FastifyRequest,
    @Body() { tasks }: EnqueueBatchRequest,
  ): Promise<EnqueueBatchResponse> {
    const warnings = await this.warnings.of(tasks, { named: true });
    const trace = traceOf(request);
    return this.idempotency.run(request, async (db) => {
      const entered = await this.intake.enqueueTogether(
        db,
        tasks.map((task) => enqueueRequest(task, trace)),
      );
      return { tasks: entered.map(enteredView), ...warnings };
    });
  }

  @Post('start')
  @HttpCode(200)
  @Route({ scope: 'claims', project: { tasks: ['body.items.*.task_id'] }, errors: 'problem' })
  @ApiOperation({ summary: 'Say of many tasks that execution begins' })
  @ApiOkResponse({ type: ItemResults })
  @ApiProblems('idempotency-conflict')
  start(@Req() request: FastifyRequest, @Body() body: HeldTasksRequest): Promise<ItemResults> {
    this.registry.seen(body.worker_id);
    return this.idempotency.run(request, async (db) => ({
      results: await each(db, body, async (item) =>
        result(item, await this.coalesced.start(db, proofOf(body, item)), START_MISMATCH),
      ),
    }));
  }

  @Post('renew')
  @HttpCode(200)
  @Route({ scope: 'claims', project: { tasks: ['body.items.*.task_id'] }, errors: 'problem' })
  @ApiOperation({ summary: 'Let the leases of many tasks begin anew' })
  @ApiOkResponse({ type: RenewedItems })
  @ApiProblems('idempotency-conflict')
  renew(@Req() request: FastifyRequest, @Body() body: HeldTasksRequest): Promise<RenewedItems> {
    this.registry.seen(body.worker_id);
    return this.idempotency.run(request, async (db) => ({
      results: await each(db, body, async (item) => {
        const end = await this.coalesced.renew(db, proofOf(body, item));
        return end === null
          ? result(item, false, START_MISMATCH)
          : { task_id: item.task_id, ok: true, lease_expires_at: end };
      }),
    }));
  }

  @Post('complete')
  @HttpCode(200)
  @Route({
    scope: 'claims',
    project: { tasks: ['body.items.*.task_id'], named: ['body.claim_next.project_id'] },
    errors: 'problem',
  })
  @ApiOperation({ summary: 'Report how many tasks ended' })
  @ApiOkResponse({ type: CompletedItems })
  @ApiProblems('idempotency-conflict')
  complete(@Req() request: FastifyRequest, @Body() body: CompleteTasksRequest): Promise<CompletedItems> {
    this.registry.seen(body.worker_id);
    return this.idempotency.run(request, async (db) => {
      const results = await each(db, body, async (item) => {
        const done = await this.coalesced.complete(db, proofOf(body, item), item);
        return result(item, this.metrics.reported('worker', done), COMPLETE_MISMATCH);
      });
      const { claim_next: next } = body;
      if (next === null) return { results };
      const circumstances = { beganAtMs: Date.now(), request };
      const tasks = await this.waiting.claim(db, claimWish(body.worker_id, next), request.raw.socket);
      const traces = (task: ClaimedTask) => traceOfClaim(this.tracer, task, circumstances);
      return { results, next: claimResponse(tasks, next, this.runs, traces) };
    });
  }

  @Post('release')
  @HttpCode(200)
  @Route({ scope: 'claims', project: { tasks: ['body.items.*.task_id'] }, errors: 'problem' })
  @ApiOperation({ summary: 'Give many tasks back, or up' })
  @ApiOkResponse({ type: ItemResults })
  @ApiProblems('idempotency-conflict')
  release(@Req() request: FastifyRequest, @Body() body: ReleaseTasksRequest): Promise<ItemResults> {
    this.registry.seen(body.worker_id);
    return this.idempotency.run(request, async (db) => ({
      results: await each(db, body, async (item) => {
        const { reason, back_to_pending } = item;
        const isGivenUp = !back_to_pending;
        const done = await this.coalesced.release(db, proofOf(body, item), { reason, isGivenUp });
        return result(item, done, RELEASE_MISMATCH);
      }),
    }));
  }
}

/** All items at once, so that they share statements; in a transaction, which has one connection, one after the other. */
async function each<Item, Result>(
  db: Db,
  { items }: { readonly items: readonly Item[] },
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  if (db instanceof Database) return Promise.all(items.map(work));
  const results: Result[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

function enteredView({ id, status, error, createdAt, nextAttemptAt }: Entered): EnqueuedTask {
  return { id, status, error, created_at: createdAt, next_attempt_at: nextAttemptAt };
}

function proofOf({ worker_id }: { readonly worker_id: string }, item: HeldTask): ClaimProof {
  return { taskId: item.task_id, workerId: worker_id, claimToken: item.claim_token };
}

function result({ task_id }: HeldTask, ok: boolean, mismatch: string): ItemResult {
  return ok ? { task_id, ok } : { task_id, ok, error: mismatch };
}
