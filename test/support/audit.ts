/** An event as the API shows it; the audit reads nothing else. */
export interface LoggedEvent {
  readonly id: number;
  readonly task_id: string;
  readonly event_type: string;
  readonly from_status: string | null;
  readonly to_status: string | null;
  readonly worker_id: string | null;
  readonly claim_token: string | null;
}

export interface Expected {
  readonly id: string;
  readonly dependencies: readonly string[];
  readonly files: readonly string[];
}

/**
 * Plays the log again and lists whatever should not have happened: a child that ran before its parents, a path with two
 * owners at one moment, a task with two holders, a transition that does not exist, a task that never ended.
 */
export function audit(events: readonly LoggedEvent[], tasks: readonly Expected[]): string[] {
  const faults: string[] = [];
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const status = new Map<string, string>();
  const owners = new Map<string, string>();
  const ends = new Map<string, number>();
  for (const event of events) {
    const task = byId.get(event.task_id);
    if (task === undefined) continue;
    const before = status.get(task.id) ?? null;
    if (event.event_type === 'claim_conflict') continue;
    if (event.event_type !== 'enqueued' && event.from_status !== before) {
      faults.push(`${task.id}: ${event.event_type} from ${event.from_status}, but it was ${before}`);
    }
    if (event.to_status !== null) status.set(task.id, event.to_status);
    if (event.event_type === 'claimed') {
      for (const parent of task.dependencies) {
        if (status.get(parent) !== 'succeeded')
          faults.push(`${task.id} claimed while ${parent} was ${status.get(parent)}`);
      }
      for (const file of task.files) {
        const owner = owners.get(file);
        if (owner !== undefined) faults.push(`${task.id} got ${file} while ${owner} owned it`);
        owners.set(file, task.id);
      }
    } else if (
      ['succeeded', 'failed', 'released', 'failed_timeout', 'cancelled'].includes(event.event_type)
    ) {
      for (const file of task.files) if (owners.get(file) === task.id) owners.delete(file);
      if (event.event_type !== 'released') ends.set(task.id, (ends.get(task.id) ?? 0) + 1);
    }
  }
  for (const { id } of tasks) {
    const last = status.get(id) ?? 'unknown';
    if (!['succeeded', 'failed', 'failed_timeout'].includes(last)) faults.push(`${id} was left ${last}`);
    if ((ends.get(id) ?? 0) > 1) faults.push(`${id} ended ${ends.get(id)} times`);
  }
  return faults;
}
