import { meet } from './paths.js';
import { type LoggedEvent, type Rule, type Submitted, type Violation } from './history.js';

/** What the log has said of a task so far. */
export interface Seen {
  status: string | null;
  version: number;
  /** The claim that is live. */
  holder: { readonly token: string | null } | null;
  leaseNumber: number;
  readonly tokens: Set<string>;
  claims: number;
  ends: number;
  retries: number;
}

/** Notes beside the life of a task: they change nothing, and may be told late. */
const NOTES = new Set([
  'claim_conflict',
  'lease_violation',
  'turn_text',
  'approval_requested',
  'approval_resolved',
]);
const ENDS = new Set(['succeeded', 'failed', 'failed_timeout']);

/** Plays the log, event by event, and notes where a step could not follow from the ones before. */
export class Replay {
  readonly violations: Violation[] = [];
  readonly seen = new Map<string, Seen>();
  /** Tasks with a live claim that own paths or hold a place of a key. */
  private readonly holding = new Set<Submitted>();

  constructor(private readonly submitted: ReadonlyMap<string, Submitted>) {}

  static isEnd(status: string | null): boolean {
    return status !== null && ENDS.has(status);
  }

  see(event: LoggedEvent): void {
    const task = this.submitted.get(event.taskId);
    if (task === undefined || NOTES.has(event.type)) return;
    const seen = this.of(task.id);
    this.follows(event, seen);
    if (event.type === 'claimed') this.claimed(event, task, seen);
    else if (event.type === 'retried') {
      seen.retries += 1;
      seen.ends = 0;
    } else if (event.type !== 'enqueued') this.reported(event, seen);
    seen.status = event.to ?? seen.status;
    seen.version = event.taskVersion;
    if (event.to !== 'claimed' && event.to !== 'running') {
      seen.holder = null;
      this.holding.delete(task);
    }
    if (Replay.isEnd(event.to)) {
      seen.ends += 1;
      if (seen.ends > 1) this.note('one-end', `${task.id} ended ${seen.ends} times.`, [task.id]);
    }
  }

  private follows(event: LoggedEvent, seen: Seen): void {
    const { taskId, type } = event;
    const entry = type === 'enqueued';
    if (entry ? seen.status !== null : event.from !== null && event.from !== seen.status) {
      this.note('log-is-whole', `${taskId}: ${type} from ${event.from}, but it was ${seen.status}.`, [
        taskId,
      ]);
    }
    if (event.taskVersion <= seen.version) {
      const text = `${taskId}: ${type} is of version ${event.taskVersion}, after one of ${seen.version}.`;
      this.note('log-is-whole', text, [taskId]);
    }
  }

  private claimed(event: LoggedEvent, task: Submitted, seen: Seen): void {
    const { id } = task;
    if (seen.holder !== null) {
      this.note('one-claim-at-a-time', `${id} was claimed while a claim of it was live.`, [id]);
    }
    const number = event.leaseNumber ?? 0;
    if (number <= seen.leaseNumber) {
      const text = `${id} was claimed with lease number ${number} after ${seen.leaseNumber}.`;
      this.note('fencing-numbers-grow', text, [id]);
    }
    for (const parent of task.parents) {
      const status = this.seen.get(parent)?.status ?? null;
      if (status !== 'succeeded') {
        this.note('parents-before-children', `${id} was claimed while ${parent} was ${status}.`, [
          parent,
          id,
        ]);
      }
    }
    for (const other of this.holding) if (other !== task) this.besides(task, other);
    this.keyIsWithinLimit(task);
    seen.holder = { token: event.claimToken };
    seen.leaseNumber = Math.max(number, seen.leaseNumber);
    seen.claims += 1;
    if (event.claimToken !== null) seen.tokens.add(event.claimToken);
    this.holding.add(task);
  }

  private besides(task: Submitted, other: Submitted): void {
    const clash =
      task.writes.find((path) => [...other.writes, ...other.reads].some((used) => meet(path, used))) ??
      task.reads.find((path) => other.writes.some((used) => meet(path, used)));
    if (clash === undefined) return;
    const text = `${task.id} was claimed with ${clash} while ${other.id} owned what it meets.`;
    this.note('no-conflicting-paths', text, [other.id, task.id]);
  }

  private keyIsWithinLimit({ id, concurrency }: Submitted): void {
    if (concurrency === null) return;
    const { key, limit } = concurrency;
    const others = [...this.holding].filter((other) => other.id !== id && other.concurrency?.key === key);
    if (others.length < limit) return;
    const text = `${id} was claimed as number ${others.length + 1} of key ${key}, whose limit is ${limit}.`;
    this.note('keys-within-their-limit', text, [...others.map((other) => other.id), id]);
  }

  /** A start, a result or a release has to be the live claim's. What ends without a claim names no token. */
  private reported({ taskId, type, claimToken }: LoggedEvent, { holder }: Seen): void {
    if (claimToken === null || claimToken === holder?.token) return;
    const text =
      holder === null
        ? `${taskId}: ${type} was reported by a claim that was over.`
        : `${taskId}: ${type} was reported by another claim than the live one.`;
    this.note('only-the-holder-reports', text, [taskId]);
  }

  private of(id: string): Seen {
    const known = this.seen.get(id);
    if (known !== undefined) return known;
    const seen: Seen = {
      ...{ status: null, version: -1, holder: null, leaseNumber: 0 },
      ...{ tokens: new Set<string>(), claims: 0, ends: 0, retries: 0 },
    };
    this.seen.set(id, seen);
    return seen;
  }

  private note(rule: Rule, text: string, tasks: readonly string[]): void {
    this.violations.push({ rule, text, tasks });
  }
}
