import { type PlanAction, type TestRunner } from './plan-actions.js';

/** One task of a plan. Paths are relative to the project's folder. */
export interface PlanTask {
  /** Unique in the plan. */
  readonly id: string;
  readonly title: string;
  readonly action: PlanAction;
  readonly params: Readonly<Record<string, unknown>>;
  /** Files, folders or globs that it writes. */
  readonly files: readonly string[];
  /** The same for what it only reads. */
  readonly reads: readonly string[];
  /** Tasks of the same milestone or an earlier one that must succeed first. */
  readonly dependencies: readonly string[];
}

/** Tasks that belong together. A milestone begins when the one before it has succeeded. */
export interface PlanMilestone {
  readonly name: string;
  readonly tasks: readonly PlanTask[];
}

export interface Plan {
  readonly summary: string;
  readonly milestones: readonly PlanMilestone[];
  /** What tests the whole at the end; null when nothing does. */
  readonly testing: { readonly runner: TestRunner } | null;
}

/** Where tasks go that name no milestone. */
export const NO_MILESTONE = 'General';

/** The tasks of all milestones; final testing is none of them. */
export function taskCount({ milestones }: Plan): number {
  return milestones.reduce((count, { tasks }) => count + tasks.length, 0);
}
