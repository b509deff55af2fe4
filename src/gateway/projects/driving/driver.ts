import { type Database } from '../../../platform/database/database.js';
import { bootstrapActions, judgeStep, type StepAnswer } from '../domain/bootstrap.js';
import {
  bootstrapDeferred,
  bootstrapEnded,
  hasFailed,
  stepEnded,
  stepRepeated,
} from '../domain/bootstrapping.js';
import { below } from '../domain/directory.js';
import * as life from '../domain/life.js';
import { nextStep, type Step } from '../domain/next-step.js';
import { type Change } from '../domain/project.js';
import { type Planner, PlanError } from '../planner/planner.js';
import { findHeld, lockHeld, releaseProject } from '../queries/leases.queries.js';
import { type StoredProject } from '../queries/project-row.js';
import { deleteProject, listIdeas } from '../queries/projects.queries.js';
import { type ProjectsConfig } from '../projects.config.js';
import { changeHeld } from './change-held.js';
import { type Drive } from './drive.js';
import { type LedgerWork } from './ledger-work.js';
import { type StepEnd } from './step-end.js';

/** Executes an action under an idempotency key: the gateway's own way, which runs a key once. */
export interface ActionExecutor {
  readonly isReady: boolean;
  execute(request: {
    readonly action: string;
    readonly params: Readonly<Record<string, unknown>>;
    readonly taskId: string;
    readonly idempotencyKey: string;
  }): Promise<StepAnswer>;
}

/** How the work on a project has ended. */
export interface DriveEnd {
  /** Why the project was forgotten; null when it was not. */
  readonly rolledBack: string | null;
}

export interface DriverParts {
  readonly database: Database;
  readonly executor: ActionExecutor;
  readonly planner: Planner;
  readonly ledger: LedgerWork;
  readonly config: ProjectsConfig;
}

/** After a step that nobody could execute although somebody is there: an emergency stop, or too many actions. */
const DEFERRED_REST_MS = 5_000;

/**
 * Does what is next for a project, step by step, as long as this process holds it. A step looks at the project as it is
 * stored, does one thing outside under a key of its own, and stores what came of it, guarded by the lease. So whoever
 * goes on after a crash does the same thing under the same key, which repeats nothing.
 */
export class Driver {
  constructor(private readonly parts: DriverParts) {}

  async run(drive: Drive): Promise<DriveEnd> {
    const { database, executor } = this.parts;
    let restMs = 0;
    while (!drive.signal.aborted) {
      const project = await findHeld(database, drive.held);
      if (project === null) return { rolledBack: null };
      drive.goBy(project.version);
      const step = nextStep(project, { hasExecutor: executor.isReady });
      if (step === null) break;
      const end = await this.perform(step, project, drive);
      if (typeof end === 'object' && 'rolledBack' in end) return end;
      if (end === 'go on') continue;
      restMs = end.restMs;
      break;
    }
    await releaseProject(database, drive.held, drive.version, restMs);
    return { rolledBack: null };
  }

  private perform(step: Step, project: StoredProject, drive: Drive): Promise<StepEnd | DriveEnd> {
    switch (step) {
      case 'bootstrap':
        return this.bootstrap(project, drive);
      case 'plan':
        return this.plan(project, drive);
      case 'follow-tasks':
        return this.parts.ledger.follow(project, drive);
      case 'pause-tasks':
        return this.parts.ledger.pause(project, drive);
      case 'cancel-tasks':
        return this.parts.ledger.cancel(project, drive);
    }
  }

  /** One step of the bootstrap, or its end. */
  private async bootstrap(project: StoredProject, drive: Drive): Promise<StepEnd | DriveEnd> {
    const { database, executor, config } = this.parts;
    const actions = bootstrapActions({
      ...project,
      readmePath: below(project.directory, 'README.md'),
      github: config.bootstrap.github,
      githubPrivate: config.bootstrap.githubPrivate,
    });
    const next = hasFailed(project) ? undefined : actions[project.bootstrapSteps.length];
    if (next === undefined) return this.endBootstrap(project, drive);
    const answer = await executor.execute({
      action: next.action,
      params: next.params,
      taskId: `${project.id}-bootstrap`,
      idempotencyKey: `${next.name}-${project.bootstrapAttempt}`,
    });
    const verdict = judgeStep(next.name, answer);
    switch (verdict.kind) {
      case 'ended':
        await changeHeld(database, drive, (now) => stepEnded(now, verdict.step));
        return 'go on';
      case 'interrupted':
        if (drive.signal.aborted) return { restMs: 0 };
        await changeHeld(database, drive, stepRepeated);
        return 'go on';
      case 'deferred':
        // This process closes: nothing is wrong with the executor, and another process goes on.
        if (drive.signal.aborted) return { restMs: 0 };
        await changeHeld(database, drive, (now) => bootstrapDeferred(now, verdict.why));
        return { restMs: executor.isReady ? DEFERRED_REST_MS : 0 };
    }
  }

  private async endBootstrap(project: StoredProject, drive: Drive): Promise<StepEnd | DriveEnd> {
    const { database, config } = this.parts;
    if (config.bootstrap.strict && hasFailed(project) && project.status === 'ideation') {
      const gone = await database.transaction(async (tx) => {
        const now = await lockHeld(tx, drive.held);
        if (now?.status !== 'ideation') return false;
        await deleteProject(tx, now.id);
        return true;
      });
      if (gone) return { rolledBack: project.bootstrapSteps.at(-1)?.detail ?? '' };
    }
    await changeHeld(database, drive, bootstrapEnded);
    return 'go on';
  }

  private async plan(project: StoredProject, drive: Drive): Promise<StepEnd> {
    const { database, planner } = this.parts;
    const { name, description } = project;
    const ideas = await listIdeas(database, project.id);
    let change: (now: StoredProject) => Change;
    try {
      const plan = await planner.plan({ name, description, ideas }, drive.interrupted);
      change = (now) => life.planned(now, plan);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      // Broken off by this process, or by a word that somebody has spoken meanwhile.
      if (drive.interrupted.aborted) return 'go on';
      change = (now) => life.planFailed(now, error.message);
    }
    await changeHeld(database, drive, (now) =>
      now.status === 'planning' && now.plan === null ? change(now) : { project: now, events: [] },
    );
    return 'go on';
  }
}
