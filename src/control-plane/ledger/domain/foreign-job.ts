import { type Instant, type JsonObject } from '../../../platform/database/row.js';

/** A job as it stood in another coordinator, in its normal form. */
export interface ForeignJob {
  readonly id: string;
  readonly kind: string;
  readonly payload: JsonObject;
  readonly priority: number;
  readonly requiredCapabilities: readonly string[];
  readonly dependencies: readonly string[];
  readonly submittedBy: string | null;
  readonly status: 'queued' | 'succeeded' | 'failed';
  readonly attempts: number;
  /** The host of the last attempt; it may still report how that ended. */
  readonly assignedHostId: string | null;
  /** Until when that host may be at it; null: nobody is. */
  readonly leasedUntil: Instant | null;
  /** Empty while it has not ended. */
  readonly result: JsonObject;
  readonly error: string;
  readonly ttlMs: number | null;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  /** Null while it has not ended. */
  readonly completedAt: Instant | null;
  readonly version: number;
  /** Empty: not known. */
  readonly updatedBy: string;
}

/** A stored task, as far as an import needs to know it. */
export interface StoredTask {
  readonly seq: number;
  readonly id: string;
  readonly version: number;
  readonly hasEnded: boolean;
}

type Node = Pick<ForeignJob, 'id' | 'dependencies' | 'status'>;

export type OrderedJobs<Job> =
  | { readonly ok: true; readonly jobs: readonly Job[] }
  /** They wait for each other. */
  | { readonly ok: false; readonly ids: readonly string[] };

/**
 * Puts jobs in an order in which each stands after those of them that it waits for, as close to the given order as that
 * allows. What has ended waits for nothing.
 */
export function parentsFirst<Job extends Node>(jobs: readonly Job[]): OrderedJobs<Job> {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const parentsOf = ({ status, dependencies }: Job) => (status === 'queued' ? dependencies : []);
  const ordered: Job[] = [];
  const state = new Map<string, 'open' | 'done'>();
  for (const start of jobs) {
    if (state.has(start.id)) continue;
    // Not recursive: chains are long.
    const way = [{ job: start, next: 0 }];
    state.set(start.id, 'open');
    for (let here = way.at(-1); here !== undefined; here = way.at(-1)) {
      const parents = parentsOf(here.job);
      if (here.next >= parents.length) {
        way.pop();
        state.set(here.job.id, 'done');
        ordered.push(here.job);
        continue;
      }
      const parent = byId.get(parents[here.next++] ?? '');
      if (parent === undefined || state.get(parent.id) === 'done') continue;
      if (state.get(parent.id) === 'open') {
        const ids = way.map(({ job }) => job.id);
        return { ok: false, ids: ids.slice(ids.indexOf(parent.id)) };
      }
      state.set(parent.id, 'open');
      way.push({ job: parent, next: 0 });
    }
  }
  return { ok: true, jobs: ordered };
}
