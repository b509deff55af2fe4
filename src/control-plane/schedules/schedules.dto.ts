import { ApiProperty } from '@nestjs/swagger';
import { DEFAULT_LIMIT } from '../../platform/http/cursor.js';
import { Flag, Integer, Moment, ObjectOf, OneOf, Text } from '../../platform/http/fields.js';
import { TaskRequest } from '../ledger/index.js';
import { type CatchUp, catchUpPolicies } from './domain/catch-up.js';
import { type Overlap, overlapPolicies } from './domain/overlap.js';
import { type Schedule } from './domain/schedule.js';
import { type ScheduleDetails } from './schedules.service.js';

export const LIMITS = {
  /** A task's id is the schedule's with the time behind it. */
  idLength: 150,
  cronLength: 200,
  timeZoneLength: 100,
} as const;

/** What happens when. */
export class ScheduleRequest {
  /**
   * When: minute, hour, day of month, month, day of week, with seconds in front if there are six fields; or `@hourly`,
   * `@daily`, `@weekly`, `@monthly`, `@yearly`. Lists, ranges, steps and English three-letter names. With both a day of
   * month and a day of week, either is enough.
   */
  @Text({ minLength: 1, maxLength: LIMITS.cronLength, example: '30 3 * * mon-fri' })
  cron!: string;

  /**
   * The IANA name of the time zone whose wall clock `cron` is about. A time of day that a day does not have, since the
   * clock is put forward over it, happens when it is put forward; one that a day has twice happens the first time.
   * With an hour field that begins with `*` the schedule follows the clock instead: through the hour that comes twice,
   * over the one that is left out.
   */
  @Text({ optional: true, minLength: 1, maxLength: LIMITS.timeZoneLength, example: 'Europe/Berlin' })
  time_zone = 'UTC';

  /** The task that is handed in each time, as in `POST /v1/tasks/enqueue`; its id is `{schedule_id}@{time}`. */
  @ObjectOf(() => TaskRequest, { example: { action: 'run_tests', params: { working_dir: '/srv/project' } } })
  task!: TaskRequest;

  /**
   * What becomes of times that passed while no control plane was running, or that came several at once. `last`: the
   * latest of them is made up for. `none`: as `last`, but only if it is no more than 60 s ago. `all`: each is, up to the latest 100.
   */
  @OneOf(catchUpPolicies, { optional: true })
  catch_up: CatchUp = 'last';

  /**
   * What happens while a task of an earlier time has not ended. `skip`: this time is left out. `allow`: both run.
   * `cancel_previous`: the earlier ones are cancelled.
   */
  @OneOf(overlapPolicies, { optional: true })
  overlap: Overlap = 'skip';

  /** Nothing happens before; ISO 8601, UTC when it names no offset. */
  @Moment({ optional: true, nullable: true, example: '2026-01-31T00:00:00+01:00' })
  start_at: string | null = null;

  /** Nothing happens from then on. */
  @Moment({ optional: true, nullable: true })
  end_at: string | null = null;

  /** false: kept, but paused. */
  @Flag({ optional: true })
  enabled = true;
}

/** A new schedule. */
export class CreateScheduleRequest extends ScheduleRequest {
  /** Your own id for it. Left out or empty, one is made: `schedule-` and 12 hex digits. */
  @Text({ optional: true, nullable: true, maxLength: LIMITS.idLength })
  schedule_id: string | null = null;
}

export class ListSchedulesQuery {
  /** Only schedules whose tasks are of this project. */
  @Text({ optional: true, nullable: true, maxLength: 200 })
  project_id: string | null = null;

  /** Rows at most; negative or above 1000 means 1000. */
  @Integer({ optional: true, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
  limit = DEFAULT_LIMIT;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;
}

/** A schedule as it stands. */
export class ScheduleState {
  /** Its id. */
  schedule_id!: string;
  /** When, as it was written. */
  cron!: string;
  /** Whose wall clock that is about. */
  time_zone!: string;
  /** What each task is made of. */
  @ApiProperty({ type: () => TaskRequest })
  task!: object;
  /** What becomes of missed times. */
  @ApiProperty({ enum: catchUpPolicies })
  catch_up!: CatchUp;
  /** What happens while an earlier task has not ended. */
  @ApiProperty({ enum: overlapPolicies })
  overlap!: Overlap;
  /** Nothing happens before. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  start_at!: string | null;
  /** Nothing happens from then on. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  end_at!: string | null;
  /** false: paused. */
  enabled!: boolean;
  /** When it is due next; null while it is paused, and when its last time has passed. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  next_run_at!: string | null;
  /** The last time that made a task. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  last_run_at!: string | null;
  /** That task. */
  @ApiProperty({ type: 'string', nullable: true })
  last_task_id!: string | null;
  /** The last time that made none. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  last_skipped_at!: string | null;
  /** Why it made none. */
  @ApiProperty({ type: 'string', nullable: true })
  last_skip_reason!: string | null;
  /** When it was handed in. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  created_at!: string;
  /** When somebody last changed it. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  updated_at!: string;
}

/** A task that a schedule has made. */
export class ScheduledTask {
  /** The time that it was made for. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  scheduled_at!: string;
  /** Its id. */
  task_id!: string;
  /** Where it is in its life; null when it has been deleted. */
  @ApiProperty({ type: 'string', nullable: true })
  status!: string | null;
}

/** A schedule with what it has led to, and what it will. */
export class ScheduleDetailsState extends ScheduleState {
  /** The next five times. */
  next_runs!: string[];
  /** Its latest ten tasks, newest first. */
  recent_tasks!: ScheduledTask[];
}

export class ScheduleResponse {
  /** The schedule after the change. */
  schedule!: ScheduleState;
}

export class ScheduleListResponse {
  /** By id. */
  schedules!: ScheduleState[];
  /** Send it as `cursor` for the next page; absent on the last. */
  @ApiProperty({ required: false })
  next_cursor?: string;
}

export class TriggerResponse {
  /** The task that was handed in. */
  scheduled_task!: ScheduledTask;
}

export class DeleteScheduleResponse {
  /** Always true. */
  ok!: boolean;
}

export function scheduleState(schedule: Schedule): ScheduleState {
  return {
    schedule_id: schedule.id,
    cron: schedule.cron,
    time_zone: schedule.timeZone,
    task: schedule.task,
    catch_up: schedule.catchUp,
    overlap: schedule.overlap,
    start_at: schedule.startAt,
    end_at: schedule.endAt,
    enabled: schedule.enabled,
    next_run_at: schedule.nextAt,
    last_run_at: schedule.lastAt,
    last_task_id: schedule.lastTaskId,
    last_skipped_at: schedule.lastSkippedAt,
    last_skip_reason: schedule.lastSkipReason,
    created_at: schedule.createdAt,
    updated_at: schedule.updatedAt,
  };
}

export function scheduleDetails({ schedule, nextRuns, occurrences }: ScheduleDetails): ScheduleDetailsState {
  return Object.assign(scheduleState(schedule), {
    next_runs: [...nextRuns],
    recent_tasks: occurrences.map(({ at, taskId, status }) => ({
      scheduled_at: at,
      task_id: taskId,
      status,
    })),
  });
}
