import { Inject, Injectable } from '@nestjs/common';
import { Database, type Db, type Tx } from '../../platform/database/database.js';
import { DatabaseUnavailableError } from '../../platform/database/errors.js';
import { type Instant } from '../../platform/database/row.js';
import { type Logger } from '../../platform/logging/logger.js';
import { Problem } from '../../platform/problems/problem.js';
import {
  EndingsService,
  enqueueRequest,
  EnqueueTaskRequest,
  IntakeService,
  LedgerReader,
  terminalStates,
} from '../ledger/index.js';
import { LOGGER } from '../runtime/index.js';
import { planDue } from './domain/catch-up.js';
import { instantOf, occurrenceTaskId } from './domain/occurrence-id.js';
import { readTiming, type Schedule } from './domain/schedule.js';
import {
  addOccurrence,
  currentTime,
  lockDueSchedule,
  lockSchedule,
  moveOn,
  msUntilNextDue,
  type Occurrence,
  recentTaskIds,
  type Step,
} from './schedules.queries.js';

/**
 * Makes the tasks of schedules. An occurrence is one transaction: the schedule's row is locked, its task is handed in,
 * and the row moves on; both commit or neither. A replica that dies before the commit leaves the schedule due, and
 * others skip a row that is locked, so an occurrence has one task however many replicas there are.
 */
@Injectable()
export class OccurrencesService {
  constructor(
    private readonly database: Database,
    private readonly intake: IntakeService,
    private readonly endings: EndingsService,
    private readonly reader: LedgerReader,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Runs all schedules that are due. Returns the milliseconds until the next one, zero or less when somebody else is
   * running one, null when none will be due. One that fails is left for the next call, and holds up no other.
   */
  async runDue(signal: AbortSignal): Promise<number | null> {
    const failed: string[] = [];
    while (!signal.aborted) {
      const looked = { at: null as string | null };
      try {
        const found = await this.database.transaction(async (tx) => {
          const schedule = await lockDueSchedule(tx, failed);
          looked.at = schedule?.id ?? null;
          if (schedule !== null) await this.run(tx, schedule);
          return schedule !== null;
        });
        if (!found) break;
      } catch (error) {
        if (looked.at === null || error instanceof DatabaseUnavailableError) throw error;
        this.logger.error({ err: error, schedule: looked.at }, 'A schedule that is due cannot be run.');
        failed.push(looked.at);
      }
    }
    return msUntilNextDue(this.database, failed);
  }

  /** An occurrence at once, whether or not the schedule is paused. Throws when its overlap policy leaves it out. */
  async trigger(db: Db, id: string): Promise<Occurrence> {
    return db.transaction(async (tx) => {
      const schedule = await lockSchedule(tx, id);
      if (schedule === null) throw new Problem('schedule-not-found', 'Schedule not found');
      const at = await currentTime(tx);
      const taskId = await this.occur(tx, schedule, at);
      await moveOn(tx, id, { ...NOTHING, nextAt: schedule.nextAt, lastAt: at, lastTaskId: taskId });
      return { at, taskId };
    });
  }

  private async run(tx: Tx, schedule: Schedule): Promise<void> {
    const { id, catchUp, nextAt } = schedule;
    const timing = readTiming(schedule);
    // A name that another replica knew, with newer data on time zones.
    if (Array.isArray(timing)) throw new Error(timing.map(({ reason }) => reason).join('; '));
    const now = Date.parse(await currentTime(tx));
    const plan = planDue(timing, catchUp, nextAt === null ? now : Date.parse(nextAt), now);
    const step: { -readonly [K in keyof Step]: Step[K] } = { ...NOTHING };
    if (plan.dropped !== null) {
      step.skippedAt = instantOf(plan.dropped);
      step.skipReason = `Its time had passed, and catch_up is ${catchUp}.`;
    }
    for (const at of plan.run.map(instantOf)) {
      try {
        [step.lastAt, step.lastTaskId] = [at, await this.occur(tx, schedule, at)];
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        [step.skippedAt, step.skipReason] = [at, error.detail];
      }
    }
    step.nextAt = plan.next === null ? null : instantOf(plan.next);
    await moveOn(tx, id, step);
  }

  /** Hands in the task of an occurrence and returns its id. Throws a problem, and has written nothing, if it is left out. */
  private async occur(tx: Tx, schedule: Schedule, at: Instant): Promise<string> {
    const { id, overlap } = schedule;
    const unfinished = overlap === 'allow' ? [] : await this.unfinishedTasks(tx, id);
    if (overlap === 'skip' && unfinished[0] !== undefined) {
      throw new Problem(
        'schedule-overlaps',
        `Task '${unfinished[0]}' of an earlier occurrence has not ended.`,
      );
    }
    const taskId = occurrenceTaskId(id, at);
    const request = Object.assign(new EnqueueTaskRequest(), schedule.task, { task_id: taskId });
    await this.intake.enqueue(tx, { ...enqueueRequest(request, null), submittedBy: `schedule:${id}` });
    await addOccurrence(tx, id, at, taskId);
    for (const earlier of unfinished) await this.cancel(tx, earlier, id);
    return taskId;
  }

  private async unfinishedTasks(tx: Tx, id: string): Promise<string[]> {
    const statuses = await this.reader.statusesOf(await recentTaskIds(tx, id), tx);
    return [...statuses].filter(([, status]) => !terminalStates.includes(status)).map(([taskId]) => taskId);
  }

  private async cancel(tx: Tx, taskId: string, scheduleId: string): Promise<void> {
    try {
      await this.endings.cancel(tx, taskId, `The next occurrence of schedule '${scheduleId}' has come.`);
    } catch (error) {
      // It has ended since the look.
      if (!(error instanceof Problem)) throw error;
    }
  }
}

const NOTHING: Step = { nextAt: null, lastAt: null, lastTaskId: null, skippedAt: null, skipReason: null };
