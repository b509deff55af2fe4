import { type Plan, type PlanTask, taskCount } from './plan.js';
import { type ProjectEvent } from './project.js';
import { ledgerTaskId, testingTaskId } from './task-graph.js';

/** How far a task is, as far as a project is concerned. */
export type Phase = 'waiting' | 'started' | 'succeeded' | 'failed';

/** A task as the ledger shows it. */
export interface SeenTask {
  readonly status: string;
  readonly error: string;
}

/** A task as it was known when the ledger was last looked at. */
export interface KnownTask {
  readonly phase: Phase;
  readonly error: string;
}

export interface Progress {
  /** Tasks that are not as they were, by their id in the ledger. */
  readonly changed: ReadonlyMap<string, KnownTask>;
  readonly events: readonly ProjectEvent[];
  readonly end:
    | { readonly kind: 'running' }
    | { readonly kind: 'completed'; readonly message: string }
    | { readonly kind: 'failed'; readonly why: string };
}

/** What a dependent is told whose dependency has failed: it is no failure of its own. */
const OF_DEPENDENCY = "Dependency '";

/** All tasks of a plan with their ids in the ledger, milestone by milestone. */
export function numbered(
  projectId: string,
  plan: Plan,
): {
  readonly name: string;
  readonly tasks: readonly { readonly taskId: string; readonly task: PlanTask }[];
}[] {
  let number = 0;
  return plan.milestones.map(({ name, tasks }) => ({
    name,
    tasks: tasks.map((task) => ({ taskId: ledgerTaskId(projectId, ++number), task })),
  }));
}

/**
 * What has happened to a project's tasks since the last look, told in the order of the plan. What was seen once is not
 * told again: the same look twice makes nothing. A task that the ledger no longer has counts as it was known.
 */
export function progressOf(
  projectId: string,
  plan: Plan,
  known: ReadonlyMap<string, KnownTask>,
  seen: ReadonlyMap<string, SeenTask>,
): Progress {
  const look = new Look(known, seen);
  const milestones = numbered(projectId, plan);
  const total = taskCount(plan);
  const testing = plan.testing === null ? null : testingTaskId(projectId);
  let done = 0;
  for (const [index, { name, tasks }] of milestones.entries()) {
    const was = tasks.map(({ taskId }) => look.before(taskId).phase);
    const is = tasks.map(({ taskId }) => look.now(taskId));
    const begins = was.every((phase) => phase === 'waiting') && is.some(hasBegun);
    if (begins) {
      const message = `Starting milestone ${index + 1}/${milestones.length}: ${name} (${tasks.length} tasks)`;
      look.tell({ type: 'milestone_started', message, payload: { milestone: name } });
    }
    for (const { taskId, task } of tasks) {
      look.tellOf(taskId, task.title, { milestone: name, task: task.id, task_id: taskId });
    }
    const succeeded = is.filter(({ phase }) => phase === 'succeeded').length;
    done += succeeded;
    const isOver = succeeded === tasks.length;
    const wasOver = was.every((phase) => phase === 'succeeded');
    const isLast = index === milestones.length - 1;
    if (isOver && !wasOver && (!isLast || testing === null))
      look.tell(review(name, tasks.length, done, total));
    if (isOver && !wasOver && isLast && testing !== null) {
      look.tell({ type: 'testing', message: 'Running final tests.', payload: { task_id: testing } });
    }
    if (isLast && testing !== null && isOver && look.endsNow(testing)) {
      look.tell(review(name, tasks.length, done, total));
      look.tellFailure(testing, 'final tests');
    }
  }
  if (testing !== null) look.note(testing);
  const all = [
    ...milestones.flatMap(({ tasks }) => tasks.map(({ taskId }) => taskId)),
    ...(testing === null ? [] : [testing]),
  ];
  return {
    changed: look.changed,
    events: look.events,
    end: look.end(all, `Project completed: ${done}/${total} tasks.`),
  };
}

function review(name: string, tasks: number, done: number, total: number): ProjectEvent {
  return {
    type: 'milestone_review',
    message: [
      `Milestone review: ${name}`,
      `Milestone progress: ${tasks}/${tasks} tasks`,
      `Overall progress: ${done}/${total} tasks`,
    ].join('\n'),
    payload: { milestone: name, milestone_tasks: tasks, tasks_done: done, tasks_total: total },
  };
}

const isEnd = (phase: Phase) => phase === 'succeeded' || phase === 'failed';

/** Whether a task did something, or does; one that failed with its dependency did not. */
const hasBegun = ({ phase, error }: KnownTask) =>
  phase === 'started' || phase === 'succeeded' || (phase === 'failed' && !error.startsWith(OF_DEPENDENCY));

/** One look at the ledger, held against what was known. */
class Look {
  readonly changed = new Map<string, KnownTask>();
  readonly events: ProjectEvent[] = [];

  constructor(
    private readonly known: ReadonlyMap<string, KnownTask>,
    private readonly seen: ReadonlyMap<string, SeenTask>,
  ) {}

  before(taskId: string): KnownTask {
    return this.known.get(taskId) ?? { phase: 'waiting', error: '' };
  }

  now(taskId: string): KnownTask {
    const before = this.before(taskId);
    const task = this.seen.get(taskId);
    if (task === undefined) {
      return isEnd(before.phase)
        ? before
        : { phase: 'failed', error: 'The control plane no longer knows this task.' };
    }
    switch (task.status) {
      case 'succeeded':
        return { phase: 'succeeded', error: '' };
      case 'failed':
      case 'failed_timeout':
        return { phase: 'failed', error: task.error };
      case 'claimed':
      case 'running':
        return { phase: 'started', error: '' };
      default:
        // Given back after a start: it has been told of already.
        return before.phase === 'started' ? before : { phase: 'waiting', error: '' };
    }
  }

  note(taskId: string): void {
    const [before, now] = [this.before(taskId), this.now(taskId)];
    if (before.phase !== now.phase || before.error !== now.error) this.changed.set(taskId, now);
  }

  tell(event: ProjectEvent): void {
    this.events.push(event);
  }

  tellOf(taskId: string, title: string, payload: Readonly<Record<string, unknown>>): void {
    this.note(taskId);
    const [before, now] = [this.before(taskId), this.now(taskId)];
    if (before.phase === now.phase) return;
    if (before.phase === 'waiting' && hasBegun(now)) {
      this.tell({ type: 'task_started', message: `Task started: ${title}`, payload });
    }
    if (now.phase === 'succeeded')
      this.tell({ type: 'task_completed', message: `Task completed: ${title}`, payload });
    if (now.phase === 'failed') this.tellFailure(taskId, title, payload);
  }

  tellFailure(
    taskId: string,
    title: string,
    payload: Readonly<Record<string, unknown>> = { task_id: taskId },
  ): void {
    const { phase, error } = this.now(taskId);
    if (phase !== 'failed' || error.startsWith(OF_DEPENDENCY)) return;
    this.tell({ type: 'error', message: `Task failed: ${title}: ${error}`, payload });
  }

  endsNow(taskId: string): boolean {
    return !isEnd(this.before(taskId).phase) && isEnd(this.now(taskId).phase);
  }

  end(all: readonly string[], completed: string): Progress['end'] {
    const now = all.map((taskId) => this.now(taskId));
    if (!now.every(({ phase }) => isEnd(phase))) return { kind: 'running' };
    const failures = now.filter(({ phase, error }) => phase === 'failed' && !error.startsWith(OF_DEPENDENCY));
    const count = now.filter(({ phase }) => phase === 'failed').length;
    if (count === 0) return { kind: 'completed', message: completed };
    const first = failures[0]?.error ?? '';
    return {
      kind: 'failed',
      why: `${count} of ${now.length} tasks failed${first === '' ? '.' : `: ${first}`}`,
    };
  }
}
