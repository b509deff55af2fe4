import { type BootstrapStep, bootstrapSummary } from './bootstrap.js';
import { type Change, type Project, type ProjectEvent } from './project.js';

/** A step has ended; the next one begins with its first attempt. */
export function stepEnded(project: Project, step: BootstrapStep): Change {
  const bootstrapSteps = [...project.bootstrapSteps, step];
  return { project: { ...project, bootstrapSteps, bootstrapAttempt: 1 }, events: [] };
}

/** Nobody can tell whether a step has worked: it is done again under another key. */
export function stepRepeated(project: Project): Change {
  return { project: { ...project, bootstrapAttempt: project.bootstrapAttempt + 1 }, events: [] };
}

/** Nobody is there to execute a step. It goes on when somebody is; told of once. */
export function bootstrapDeferred(project: Project, why: string): Change {
  const isNew = project.bootstrap !== 'deferred';
  const event: ProjectEvent = { type: 'created_with_warnings', message: `deferred: ${why}` };
  return { project: { ...project, bootstrap: 'deferred' }, events: isNew ? [event] : [] };
}

/** All steps have ended, or the first that failed. */
export function bootstrapEnded(project: Project): Change {
  const { bootstrapSteps: steps } = project;
  const summary = bootstrapSummary(steps);
  const isFlawless = steps.every(({ outcome }) => outcome === 'ok');
  const type =
    project.bootstrap === 'deferred' ? 'bootstrapped' : isFlawless ? 'created' : 'created_with_warnings';
  return {
    project: { ...project, bootstrap: hasFailed(project) ? 'failed' : 'done' },
    events: [{ type, message: summary }],
  };
}

/** Whether a step failed on which the others depend. */
export function hasFailed({ bootstrapSteps }: Project): boolean {
  return bootstrapSteps.some(({ outcome }) => outcome === 'failed');
}
