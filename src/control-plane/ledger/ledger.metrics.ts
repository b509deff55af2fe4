import { Injectable } from '@nestjs/common';
import { type Instant } from '../../platform/database/row.js';
import {
  type Count,
  LONG_SECONDS,
  Meter,
  SHORT_SECONDS,
  SIZES,
  type Spread,
} from '../../platform/metrics/meter.js';
import { type ClaimedTask, type Holder } from './domain/task.js';

const HOLDERS: readonly Holder[] = ['dispatcher', 'worker', 'host'];

/** The calls that callers of one process share; see {@link CoalescedLedger}. */
const SHARED_CALLS = [
  'enqueue',
  'claim',
  'start',
  'renew',
  'succeed',
  'succeed_job',
  'succeed_whole',
] as const;

/** What this replica has done to tasks. Counted after the commit, each by whoever did it. */
@Injectable()
export class LedgerMetrics {
  readonly created: Count;
  readonly claimed: Readonly<Record<Holder, Count>>;
  readonly claims: Readonly<Record<'claimed' | 'empty' | 'failed', Spread>>;
  readonly ends: Readonly<Record<'succeeded' | 'failed' | 'failed_timeout' | 'cancelled' | 'expired', Count>>;
  readonly released: Count;
  readonly runs: Readonly<Record<'succeeded' | 'failed' | 'failed_timeout', Spread>>;
  readonly fileWaits: Spread;
  readonly sharedBy: Readonly<Record<(typeof SHARED_CALLS)[number], Spread>>;
  private readonly queued: Spread;
  private readonly staleCompletions: Readonly<Record<Holder, Count>>;

  constructor(meter: Meter) {
    this.created = meter.counter('skynet_tasks_created_total', 'Tasks that this replica has accepted.');
    this.claimed = meter.counters(
      ...(['skynet_tasks_claimed_total', 'Tasks that this replica has given to a holder.'] as const),
      ...(['holder', HOLDERS] as const),
    );
    this.claims = meter.spreads(
      'skynet_claim_seconds',
      'How long a claim took, by what it came to. Callers who share a claim are one.',
      SHORT_SECONDS,
      ...(['outcome', ['claimed', 'empty', 'failed']] as const),
    );
    this.queued = meter.spread(
      'skynet_task_queue_seconds',
      'Time from the hand-in of a task to its first claim, with whatever it waited for.',
      LONG_SECONDS,
    );
    this.runs = meter.spreads(
      'skynet_task_run_seconds',
      'Time from the claim that ended a task to that end, by how it ended.',
      LONG_SECONDS,
      ...(['outcome', ['succeeded', 'failed', 'failed_timeout']] as const),
    );
    this.ends = meter.counters(
      'skynet_tasks_ended_total',
      'Tasks whose end this replica has written: by their holders, operators, and time limits. Not those that failed because of a dependency.',
      ...(['outcome', ['succeeded', 'failed', 'failed_timeout', 'cancelled', 'expired']] as const),
    );
    this.released = meter.counter(
      'skynet_tasks_released_total',
      'Claims that ended without a result, so that the task went back.',
    );
    this.staleCompletions = meter.counters(
      'skynet_stale_completions_total',
      'Results that were refused because their claim had ended.',
      ...(['holder', HOLDERS] as const),
    );
    this.fileWaits = meter.spread(
      'skynet_file_wait_seconds',
      'How long tasks stood in the queue for their files each time before they were woken.',
      LONG_SECONDS,
    );
    this.sharedBy = meter.spreads(
      'skynet_coalesced_batch_items',
      'How many calls of one kind shared a statement.',
      SIZES,
      ...(['call', SHARED_CALLS] as const),
    );
  }

  /** Counts tasks that somebody has been given. */
  gave(holder: Holder, tasks: readonly ClaimedTask[]): void {
    if (tasks.length === 0) return;
    this.claimed[holder].inc(tasks.length);
    for (const { attempts, createdAt, lockedAt } of tasks) {
      if (attempts === 1) this.queued.observe(secondsBetween(createdAt, lockedAt));
    }
  }

  /** Counts a result that was refused; passes on whether it was accepted. */
  reported(holder: Holder, isAccepted: boolean): boolean {
    if (!isAccepted) this.staleCompletions[holder].inc();
    return isAccepted;
  }

  /** Counts the ends of claims that ended their tasks. */
  ended(outcome: keyof LedgerMetrics['runs'], runSeconds: Iterable<number>): void {
    let tasks = 0;
    for (const seconds of runSeconds) {
      this.runs[outcome].observe(seconds);
      tasks++;
    }
    if (tasks > 0) this.ends[outcome].inc(tasks);
  }
}

/** Both are of the database's clock; of an imported task the first may be of another one. */
function secondsBetween(from: Instant, to: Instant): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1_000);
}
