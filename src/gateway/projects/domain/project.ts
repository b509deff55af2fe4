import { type BootstrapState, type BootstrapStep } from './bootstrap.js';
import { type Plan } from './plan.js';

/**
 * Where a project is in its life. `planning` lasts from the wish for a plan to its approval; `approved` is the queue for
 * one of the places in which projects run.
 */
export type ProjectStatus =
  'ideation' | 'planning' | 'approved' | 'coding' | 'paused' | 'completed' | 'failed' | 'cancelled';

export const transitions = {
  ideation: ['planning', 'cancelled'],
  planning: ['ideation', 'approved', 'cancelled'],
  approved: ['coding', 'paused', 'cancelled'],
  coding: ['completed', 'failed', 'paused', 'cancelled'],
  paused: ['approved', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
} as const satisfies Record<ProjectStatus, readonly ProjectStatus[]>;

export function isStatus(text: string): text is ProjectStatus {
  return Object.hasOwn(transitions, text);
}

/** Whether nothing more will happen. */
export function hasEnded({ status }: Pick<Project, 'status'>): boolean {
  return transitions[status].length === 0;
}

/** A project as its rules see it. */
export interface Project {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly description: string;
  /** Its folder, on the machine that executes actions. */
  readonly directory: string;
  readonly status: ProjectStatus;
  /** Its plan is approved as soon as it is there. */
  readonly autoStart: boolean;
  readonly bootstrap: BootstrapState;
  readonly bootstrapSteps: readonly BootstrapStep[];
  /** How often the next step has been begun, this time included. */
  readonly bootstrapAttempt: number;
  /** Of `planning`: null as long as the plan is being made. */
  readonly plan: Plan | null;
  /** What went wrong last, or what is in the way; empty when nothing is. */
  readonly error: string;
  /** Whether it has ever been started. */
  readonly started: boolean;
  /** Whether its tasks are in the ledger. False says nothing: a call may have been made whose answer was lost. */
  readonly handedIn: boolean;
  /** Whether the ledger has been asked not to begin its tasks. */
  readonly tasksPaused: boolean;
  /** Whether the ledger knows of the last pause or cancellation. */
  readonly settled: boolean;
}

/** Something that happened to a project, for people and programs that watch it. */
export interface ProjectEvent {
  readonly type: ProjectEventType;
  readonly message: string;
  readonly payload?: Readonly<Record<string, unknown>>;
}

export type ProjectEventType =
  | 'created'
  | 'created_with_warnings'
  | 'bootstrapped'
  | 'planned'
  | 'plan_approved'
  | 'started'
  | 'milestone_started'
  | 'task_started'
  | 'task_completed'
  | 'milestone_review'
  | 'testing'
  | 'completed'
  | 'paused'
  | 'resumed'
  | 'cancelled'
  | 'error';

/** A project after something has happened to it, and what is told of that. Both are stored together. */
export interface Change {
  readonly project: Project;
  readonly events: readonly ProjectEvent[];
}
