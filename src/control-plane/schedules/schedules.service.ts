import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database, type Db } from '../../platform/database/database.js';
import { type Instant } from '../../platform/database/row.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { Problem, type RequestIssue } from '../../platform/problems/problem.js';
import { enqueueRequest, EnqueueTaskRequest, IntakeService, LedgerReader } from '../ledger/index.js';
import { TOPICS } from '../runtime/index.js';
import { instantOf } from './domain/occurrence-id.js';
import { nextOccurrence, occurrencesBetween, type Timing } from './domain/occurrences.js';
import { readTiming, sameTiming, type Schedule, type ScheduleDefinition } from './domain/schedule.js';
import {
  currentTime,
  deleteSchedule,
  findSchedule,
  insertSchedule,
  listLatestOccurrences,
  listSchedules,
  lockSchedule,
  type Occurrence,
  projectsOf,
  redefineSchedule,
} from './schedules.queries.js';

/** How much of the past and of the future is shown of one schedule. */
const SHOWN_OCCURRENCES = 10;
const SHOWN_NEXT = 5;

/** A schedule with what it has led to, and what it will. */
export interface ScheduleDetails {
  readonly schedule: Schedule;
  readonly nextRuns: readonly Instant[];
  /** Newest first. The status is null when the task has been deleted. */
  readonly occurrences: readonly (Occurrence & { readonly status: string | null })[];
}

/** What operators do with schedules. */
@Injectable()
export class SchedulesService {
  constructor(
    private readonly database: Database,
    private readonly intake: IntakeService,
    private readonly reader: LedgerReader,
    private readonly wakeups: Wakeups,
  ) {}

  /** Takes in a schedule under its own id, or a made-up one when that is empty. Refuses an id that is taken. */
  async create(db: Db, given: ScheduleDefinition): Promise<Schedule> {
    const definition = {
      ...given,
      id: given.id === '' ? `schedule-${randomBytes(6).toString('hex')}` : given.id,
    };
    const nextAt = dueNext(definition, this.timingOf(definition), await currentTime(db));
    const schedule = await insertSchedule(db, definition, nextAt);
    if (schedule === null) {
      throw new Problem('schedule-exists', `Schedule '${definition.id}' already exists; PUT replaces it.`);
    }
    this.announce(db);
    return schedule;
  }

  /**
   * Makes a schedule say this from now on, whether or not there is one of its id. Where the times stay the same what is
   * due stays due; otherwise they count from now.
   */
  async put(db: Db, definition: ScheduleDefinition): Promise<Schedule> {
    const timing = this.timingOf(definition);
    return db.transaction(async (tx) => {
      for (;;) {
        const known = await lockSchedule(tx, definition.id);
        const next = dueNext(definition, timing, await currentTime(tx));
        const keeps = known?.enabled === true && definition.enabled && sameTiming(known, definition);
        const schedule =
          known === null
            ? await insertSchedule(tx, definition, next)
            : await redefineSchedule(tx, definition, keeps ? known.nextAt : next);
        // Null: somebody has created it since the look.
        if (schedule === null) continue;
        this.announce(tx);
        return schedule;
      }
    });
  }

  /** Switches a schedule off, or on again from now: what would have been due meanwhile is left out. */
  async enable(db: Db, id: string, enabled: boolean): Promise<Schedule> {
    return db.transaction(async (tx) => {
      const schedule = await lockSchedule(tx, id);
      if (schedule === null) throw notFound();
      if (schedule.enabled === enabled) return schedule;
      const definition = { ...schedule, enabled };
      const next = dueNext(definition, this.timingOf(definition), await currentTime(tx));
      this.announce(tx);
      return redefineSchedule(tx, definition, next);
    });
  }

  /** Ends a schedule. Tasks that it has made stay. */
  async delete(db: Db, id: string): Promise<void> {
    await db.transaction(async (tx) => {
      if ((await lockSchedule(tx, id)) === null) throw notFound();
      await deleteSchedule(tx, id);
    });
  }

  /** Schedules by id, after one; those of one project if one is named. */
  list(
    from: { readonly afterId: string; readonly projectId: string | null },
    limit: number,
  ): Promise<Schedule[]> {
    return listSchedules(this.database, from, limit);
  }

  /** The projects of the tasks of schedules; one that is not there is missing. */
  projectsOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return projectsOf(this.database, ids);
  }

  async details(id: string): Promise<ScheduleDetails> {
    const schedule = await findSchedule(this.database, id);
    if (schedule === null) throw notFound();
    const occurrences = await listLatestOccurrences(this.database, id, SHOWN_OCCURRENCES);
    const statuses = await this.reader.statusesOf(occurrences.map(({ taskId }) => taskId));
    return {
      schedule,
      nextRuns: nextRuns(schedule),
      occurrences: occurrences.map((occurrence) => ({
        ...occurrence,
        status: statuses.get(occurrence.taskId) ?? null,
      })),
    };
  }

  /** The times of a definition. Throws all that is wrong with it. */
  private timingOf(definition: ScheduleDefinition): Timing {
    const { startAt, endAt } = definition;
    const timing = readTiming(definition);
    if (Array.isArray(timing)) {
      throw invalid(
        timing.map(({ field, reason }) =>
          issue([field], reason, field === 'cron' ? definition.cron : definition.timeZone),
        ),
      );
    }
    if (startAt !== null && endAt !== null && endAt <= startAt) {
      throw invalid([issue(['end_at'], 'Input should be later than start_at', endAt)]);
    }
    const template = Object.assign(new EnqueueTaskRequest(), definition.task);
    this.intake.newTask(enqueueRequest(template, null), ['task']);
    return timing;
  }

  private announce(db: Db): void {
    db.afterCommit(() => this.wakeups.publish(TOPICS.schedules));
  }
}

/** When a schedule is due next, seen from `now`. Throws when its expression names no day that will come. */
function dueNext({ cron, enabled }: ScheduleDefinition, timing: Timing, now: Instant): Instant | null {
  const at = Date.parse(now);
  if (nextOccurrence({ ...timing, endAt: null }, at) === null) {
    throw invalid([issue(['cron'], 'Input should have an occurrence within the next eight years', cron)]);
  }
  const next = enabled ? nextOccurrence(timing, at) : null;
  return next === null ? null : instantOf(next);
}

function nextRuns(schedule: Schedule): Instant[] {
  const timing = readTiming(schedule);
  if (schedule.nextAt === null || Array.isArray(timing)) return [];
  const later = occurrencesBetween(timing, Date.parse(schedule.nextAt), Infinity, SHOWN_NEXT - 1);
  return [schedule.nextAt, ...later.map(instantOf)];
}

function issue(loc: readonly string[], msg: string, input: unknown): RequestIssue {
  return { type: 'value_error', loc: ['body', ...loc], msg, input };
}

function invalid(issues: readonly RequestIssue[]): Problem {
  const texts = issues.map(({ loc, msg }) => `${loc.slice(1).join('.')}: ${msg}`);
  return new Problem('invalid-request', texts.join('; '), { issues });
}

function notFound(): Problem {
  return new Problem('schedule-not-found', 'Schedule not found');
}
