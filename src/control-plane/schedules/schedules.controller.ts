import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { Problem } from '../../platform/problems/problem.js';
import { blankToNull } from '../ledger/index.js';
import { IdempotencyService } from '../idempotency/index.js';
import { type ScheduleDefinition } from './domain/schedule.js';
import { OccurrencesService } from './occurrences.service.js';
import {
  CreateScheduleRequest,
  DeleteScheduleResponse,
  LIMITS,
  ListSchedulesQuery,
  scheduleDetails,
  ScheduleDetailsState,
  ScheduleListResponse,
  ScheduleRequest,
  ScheduleResponse,
  scheduleState,
  TriggerResponse,
} from './schedules.dto.js';
import { SchedulesService } from './schedules.service.js';

const ScheduleId = () => Param('id', StorablePipe);
const ScheduleIdParam = () => ApiParam({ name: 'id', description: 'The id of the schedule.' });

@ApiTags('schedules')
@Controller('v1/schedules')
export class SchedulesController {
  constructor(
    private readonly schedules: SchedulesService,
    private readonly occurrences: OccurrencesService,
    private readonly idempotency: IdempotencyService,
  ) {}

  @Post()
  @HttpCode(200)
  @Route({
    scope: 'tasks:write',
    project: { named: ['body.task.project_id'] },
    errors: 'problem',
    audit: {
      action: 'schedule.create',
      subject: 'schedule.schedule_id',
      detail: ['cron', 'time_zone', 'catch_up', 'overlap', 'start_at', 'end_at', 'enabled'],
    },
  })
  @ApiOperation({ summary: 'Hand in a task that recurs' })
  @ApiOkResponse({ type: ScheduleResponse })
  @ApiProblems('schedule-exists', 'idempotency-conflict')
  create(@Req() request: FastifyRequest, @Body() body: CreateScheduleRequest): Promise<ScheduleResponse> {
    return this.idempotency.run(request, async (db) => ({
      schedule: scheduleState(await this.schedules.create(db, definition(body.schedule_id ?? '', body))),
    }));
  }

  @Get()
  @Route({ scope: 'tasks:read', project: { named: ['query.project_id'] }, errors: 'problem' })
  @ApiOperation({ summary: 'List schedules by id' })
  @ApiOkResponse({ type: ScheduleListResponse })
  @ApiProblems()
  async list(@Query() query: ListSchedulesQuery): Promise<ScheduleListResponse> {
    const limit = effectiveLimit(query.limit);
    const [after] = query.cursor === null ? [''] : decodeCursor(query.cursor, ['string']);
    if (limit === 0) return { schedules: [] };
    const schedules = await this.schedules.list(
      { afterId: String(after).replaceAll('\0', ''), projectId: blankToNull(query.project_id) },
      limit + 1,
    );
    const page = schedules.slice(0, limit);
    const last = page.at(-1);
    return {
      schedules: page.map(scheduleState),
      ...(schedules.length > limit && last !== undefined ? { next_cursor: encodeCursor([last.id]) } : {}),
    };
  }

  @Get(':id')
  @Route({ scope: 'tasks:read', project: { schedules: ['params.id'] }, errors: 'problem' })
  @ScheduleIdParam()
  @ApiOperation({ summary: 'Show a schedule with its next times and its latest tasks' })
  @ApiOkResponse({ type: ScheduleDetailsState })
  @ApiProblems('schedule-not-found')
  async get(@ScheduleId() id: string): Promise<ScheduleDetailsState> {
    return scheduleDetails(await this.schedules.details(id));
  }

  @Put(':id')
  @Route({
    scope: 'tasks:write',
    project: { named: ['body.task.project_id'], schedules: ['params.id'] },
    errors: 'problem',
    audit: {
      action: 'schedule.put',
      detail: ['cron', 'time_zone', 'catch_up', 'overlap', 'start_at', 'end_at', 'enabled'],
    },
  })
  @ScheduleIdParam()
  @ApiOperation({ summary: 'Make a schedule say this from now on, whether or not there is one' })
  @ApiOkResponse({ type: ScheduleResponse })
  @ApiProblems()
  put(
    @Req() request: FastifyRequest,
    @ScheduleId() id: string,
    @Body() body: ScheduleRequest,
  ): Promise<ScheduleResponse> {
    return this.idempotency.run(request, async (db) => ({
      schedule: scheduleState(await this.schedules.put(db, definition(ownId(id), body))),
    }));
  }

  @Delete(':id')
  @Route({
    scope: 'tasks:write',
    project: { schedules: ['params.id'] },
    errors: 'problem',
    audit: { action: 'schedule.delete' },
  })
  @ScheduleIdParam()
  @ApiOperation({ summary: 'End a schedule; the tasks that it has made stay' })
  @ApiOkResponse({ type: DeleteScheduleResponse })
  @ApiProblems('schedule-not-found')
  delete(@Req() request: FastifyRequest, @ScheduleId() id: string): Promise<DeleteScheduleResponse> {
    return this.idempotency.run(request, async (db) => {
      await this.schedules.delete(db, id);
      return { ok: true };
    });
  }

  @Post(':id/pause')
  @HttpCode(200)
  @Route({
    scope: 'tasks:write',
    project: { schedules: ['params.id'] },
    errors: 'problem',
    audit: { action: 'schedule.pause' },
  })
  @ScheduleIdParam()
  @ApiOperation({ summary: 'Pause a schedule; what would have been due meanwhile is left out' })
  @ApiOkResponse({ type: ScheduleResponse })
  @ApiProblems('schedule-not-found', 'idempotency-conflict')
  pause(@Req() request: FastifyRequest, @ScheduleId() id: string): Promise<ScheduleResponse> {
    return this.enable(request, id, false);
  }

  @Post(':id/resume')
  @HttpCode(200)
  @Route({
    scope: 'tasks:write',
    project: { schedules: ['params.id'] },
    errors: 'problem',
    audit: { action: 'schedule.resume' },
  })
  @ScheduleIdParam()
  @ApiOperation({ summary: 'Let a paused schedule go on from now' })
  @ApiOkResponse({ type: ScheduleResponse })
  @ApiProblems('schedule-not-found', 'idempotency-conflict')
  resume(@Req() request: FastifyRequest, @ScheduleId() id: string): Promise<ScheduleResponse> {
    return this.enable(request, id, true);
  }

  @Post(':id/trigger')
  @HttpCode(200)
  @Route({
    scope: 'tasks:write',
    project: { schedules: ['params.id'] },
    errors: 'problem',
    audit: { action: 'schedule.trigger' },
  })
  @ScheduleIdParam()
  @ApiOperation({ summary: 'Hand in the task of a schedule now, paused or not; its overlap policy holds' })
  @ApiOkResponse({ type: TriggerResponse })
  @ApiProblems('schedule-not-found', 'schedule-overlaps', 'idempotency-conflict')
  trigger(@Req() request: FastifyRequest, @ScheduleId() id: string): Promise<TriggerResponse> {
    return this.idempotency.run(request, async (db) => {
      const { at, taskId } = await this.occurrences.trigger(db, id);
      return { scheduled_task: { scheduled_at: at, task_id: taskId, status: 'queued' } };
    });
  }

  private enable(request: FastifyRequest, id: string, enabled: boolean): Promise<ScheduleResponse> {
    return this.idempotency.run(request, async (db) => ({
      schedule: scheduleState(await this.schedules.enable(db, id, enabled)),
    }));
  }
}

function definition(id: string, body: ScheduleRequest): ScheduleDefinition {
  return {
    id: id.trim(),
    cron: body.cron,
    timeZone: body.time_zone,
    task: body.task,
    catchUp: body.catch_up,
    overlap: body.overlap,
    startAt: body.start_at,
    endAt: body.end_at,
    enabled: body.enabled,
  };
}

/** An id that a caller chose in a path: it must be one that `POST` would take. */
function ownId(id: string): string {
  if (id.trim() !== '' && id.length <= LIMITS.idLength) return id;
  const msg = `Input should be an id of 1 to ${LIMITS.idLength} characters`;
  throw new Problem('invalid-request', `id: ${msg}`, {
    issues: [{ type: 'value_error', loc: ['path', 'id'], msg, input: id.slice(0, LIMITS.idLength) }],
  });
}
