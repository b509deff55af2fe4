import { hasEnded, type Project } from './project.js';

/** What a gateway has to do for a project: at most one thing at a time. */
export type Step = 'bootstrap' | 'plan' | 'follow-tasks' | 'pause-tasks' | 'cancel-tasks';

/**
 * What is next for a project; null when that is somebody else's word (an idea, an approval), a free place, or an executor
 * that is not there. The claim of the loop says the same in SQL.
 */
export function nextStep(project: Project, { hasExecutor }: { readonly hasExecutor: boolean }): Step | null {
  if (project.status === 'cancelled' && !project.settled) return 'cancel-tasks';
  if (hasEnded(project)) return null;
  if (project.bootstrap === 'pending') return 'bootstrap';
  if (project.bootstrap === 'deferred' && hasExecutor) return 'bootstrap';
  if (project.status === 'planning' && project.plan === null) return 'plan';
  if (project.status === 'coding') return 'follow-tasks';
  if (project.status === 'paused' && !project.settled) return 'pause-tasks';
  return null;
}

/** What a project waits for, in a word for people; null when it has ended. */
export function waitsFor(project: Project): string | null {
  if (hasEnded(project)) return null;
  if (project.bootstrap === 'pending') return 'bootstrap';
  switch (project.status) {
    case 'ideation':
      return 'ideas';
    case 'planning':
      return project.plan === null ? 'plan' : 'approval';
    case 'approved':
      return project.bootstrap === 'deferred' ? 'executor' : 'a free place';
    case 'coding':
      return project.handedIn ? 'tasks' : 'control plane';
    case 'paused':
      return 'resume';
    case 'completed':
    case 'failed':
    case 'cancelled':
      return null;
  }
}
