import { type Plan, taskCount } from './plan.js';
import {
  type Change,
  hasEnded,
  type Project,
  type ProjectEvent,
  type ProjectStatus,
  transitions,
} from './project.js';

/** A project is not where what is asked for could happen. */
export class ProjectStateError extends Error {}

export interface AutomaticStart {
  readonly enabled: boolean;
  /** How many ideas it takes. */
  readonly minIdeas: number;
}

/** Ideas are for projects in ideation. */
export function expectIdeation(project: Project): void {
  if (project.status !== 'ideation') {
    throw new ProjectStateError(
      `Project '${project.slug}' is in ${project.status}; ideas can only be added in ideation.`,
    );
  }
}

/** An idea has been added, which is the `count`th. The one that makes enough of them begins planning, once. */
export function ideaAdded(project: Project, count: number, automatic: AutomaticStart): Change {
  const isEnough = automatic.enabled && count >= Math.max(1, automatic.minIdeas);
  return isEnough ? planningBegun(project, { autoStart: true }) : { project, events: [] };
}

/** A plan is wanted, or another one than the one that waits for approval. */
export function plan(project: Project, ideas: number): Change {
  if (project.status !== 'ideation' && !(project.status === 'planning' && project.plan !== null)) {
    throw refusal(project, 'planned');
  }
  if (ideas === 0) throw new ProjectStateError(`Project '${project.slug}' has no ideas to plan from.`);
  return planningBegun(project, { autoStart: false });
}

function planningBegun(project: Project, { autoStart }: { readonly autoStart: boolean }): Change {
  return { project: { ...project, status: 'planning', plan: null, autoStart, error: '' }, events: [] };
}

/** The plan is there. One that starts by itself is approved with it. */
export function planned(project: Project, plan: Plan): Change {
  if (project.status !== 'planning') throw refusal(project, 'planned');
  const tasks = taskCount(plan);
  const ready: ProjectEvent = {
    type: 'planned',
    message: `Plan ready: ${plan.milestones.length} milestones, ${tasks} tasks.`,
    payload: { milestones: plan.milestones.length, tasks },
  };
  const withPlan = { ...project, plan, error: '' };
  if (!project.autoStart) return { project: withPlan, events: [ready] };
  const { project: approved, events } = approve(withPlan, 'Plan approved automatically.');
  return { project: approved, events: [ready, ...events] };
}

/** There will be no plan this time: back to ideation. */
export function planFailed(project: Project, why: string): Change {
  if (project.status !== 'planning') throw refusal(project, 'planned');
  return {
    project: { ...project, status: 'ideation', plan: null, autoStart: false, error: why },
    events: [{ type: 'error', message: why }],
  };
}

/** The plan is what is wanted: the project queues for a place to run in. */
export function approve(project: Project, message = 'Plan approved.'): Change {
  if (project.status === 'planning' && project.plan === null) {
    throw new ProjectStateError(`Project '${project.slug}' has no plan yet; it is being made.`);
  }
  return to(project, 'approved', 'approved', { type: 'plan_approved', message });
}

/** A place is free: the project runs. One that ran before goes on without being started anew. */
export function start(project: Project): Change {
  const { plan } = project;
  if (project.started || plan === null) return to(project, 'coding', 'started');
  const message = `Project started: ${taskCount(plan)} tasks in ${plan.milestones.length} milestones.`;
  return to({ ...project, started: true }, 'coding', 'started', { type: 'started', message });
}

/** Nothing new begins until it is resumed; tasks that run go on to their end. */
export function pause(project: Project): Change {
  return to({ ...project, settled: !project.started }, 'paused', 'paused', {
    type: 'paused',
    message: 'Project paused.',
  });
}

/** A paused project queues for a place again. */
export function resume(project: Project): Change {
  if (project.status !== 'paused') throw refusal(project, 'resumed');
  return to({ ...project, settled: true }, 'approved', 'resumed', {
    type: 'resumed',
    message: 'Project resumed.',
  });
}

/** Ends a project that has not ended, a paused one as well; its tasks are cancelled. */
export function cancel(project: Project): Change {
  return to({ ...project, settled: !project.started, autoStart: false }, 'cancelled', 'cancelled', {
    type: 'cancelled',
    message: 'Project cancelled.',
  });
}

/** Refuses to forget a project that still does something. */
export function expectRemovable(project: Project): void {
  const isIdle = project.status === 'ideation' || project.status === 'planning' || hasEnded(project);
  if (!isIdle) {
    throw new ProjectStateError(
      `Project '${project.slug}' is in ${project.status}; cancel it before you remove it.`,
    );
  }
  if (!project.settled) {
    throw new ProjectStateError(
      `The tasks of project '${project.slug}' are still being cancelled; try again in a moment.`,
    );
  }
}

/** The tasks are in the ledger. */
export function handedIn(project: Project): Change {
  return quietly({ ...project, handedIn: true, error: '' });
}

/** The ledger is about to be told of the pause: from now on it may be paused there. */
export function tasksPausing(project: Project): Change {
  return quietly({ ...project, tasksPaused: true });
}

/** The ledger knows of the pause, if it still is one. */
export function tasksPausedNow(project: Project): Change {
  return quietly(project.status === 'paused' ? { ...project, settled: true, error: '' } : project);
}

/** The ledger goes on with the tasks. */
export function tasksResumed(project: Project): Change {
  return quietly({ ...project, tasksPaused: false });
}

/** No task of the cancelled project is left in the ledger that could run. */
export function tasksCancelled(project: Project): Change {
  return quietly({ ...project, settled: true, tasksPaused: false, error: '' });
}

/** Something is in the way, and is tried again. */
export function hindered(project: Project, why: string): Change {
  return quietly({ ...project, error: why });
}

function quietly(project: Project): Change {
  return { project, events: [] };
}

/** All tasks have succeeded. */
export function completed(project: Project, message: string): Change {
  return to({ ...project, error: '' }, 'completed', 'completed', { type: 'completed', message });
}

/** A task has failed, or the plan could not be handed in. */
export function failed(project: Project, why: string): Change {
  return to({ ...project, error: why }, 'failed', 'failed', { type: 'error', message: why });
}

function to(
  project: Project,
  status: ProjectStatus,
  verb: string,
  ...events: readonly ProjectEvent[]
): Change {
  const allowed: readonly ProjectStatus[] = transitions[project.status];
  if (!allowed.includes(status)) throw refusal(project, verb);
  return { project: { ...project, status }, events };
}

function refusal({ slug, status }: Project, verb: string): ProjectStateError {
  return new ProjectStateError(`Project '${slug}' is in ${status} and cannot be ${verb}.`);
}
