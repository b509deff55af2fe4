import { type Database } from '../../../platform/database/database.js';
import * as life from '../domain/life.js';
import { type Plan } from '../domain/plan.js';
import { type Change, type Project } from '../domain/project.js';
import { type Progress, progressOf } from '../domain/progress.js';
import { taskGraph } from '../domain/task-graph.js';
import { type ControlPlane, ControlPlaneAwayError, ControlPlaneRefusal } from '../ledger/control-plane.js';
import { followTasks } from '../ledger/task-hints.js';
import { type ProjectsConfig } from '../projects.config.js';
import { type StoredProject } from '../queries/project-row.js';
import { listTasks, saveTasks } from '../queries/tasks.queries.js';
import { type Drive } from './drive.js';
import { changeHeld } from './change-held.js';
import { type StepEnd } from './step-end.js';

const TERMINAL = new Set(['succeeded', 'failed', 'failed_timeout']);
const CANCELLED = 'The project was cancelled.';
const PAUSED = 'The project was paused.';

/** What projects do at the control plane: hand their tasks in, look at them, hold them back, cancel them. */
export class LedgerWork {
  constructor(
    private readonly database: Database,
    private readonly controlPlane: ControlPlane,
    private readonly config: Pick<ProjectsConfig, 'lookEveryMs' | 'lookGapMs'>,
  ) {}

  /** Looks at the tasks of a project that runs, again and again, until it does so no longer. */
  async follow(project: StoredProject, drive: Drive): Promise<StepEnd> {
    const { plan } = project;
    if (plan === null) throw new Error(`Project ${project.id} runs without a plan.`);
    const ready = await this.attempt(drive, () => this.prepare(project, plan, drive));
    if (ready !== 'go on') return ready;
    const listening = new AbortController();
    const streaming = followTasks(
      this.controlPlane,
      project.id,
      () => drive.hint(),
      AbortSignal.any([listening.signal, drive.interrupted]),
    );
    try {
      while (!drive.interrupted.aborted) {
        const { version } = drive.moves;
        const lookedAtMs = performance.now();
        const end = await this.attempt(drive, () => this.look(project, plan, drive));
        if (end !== 'look again') return end;
        await drive.moves.moved(version, this.config.lookEveryMs, drive.interrupted);
        await untilLater(drive, lookedAtMs + this.config.lookGapMs);
      }
      return 'go on';
    } finally {
      listening.abort();
      await streaming;
    }
  }

  /** Tells the ledger of a pause. */
  pause(project: StoredProject, drive: Drive): Promise<StepEnd> {
    return this.attempt(drive, async () => {
      // Written down first: a resume that comes meanwhile must know that the ledger may be paused.
      await changeHeld(this.database, drive, life.tasksPausing);
      await this.controlPlane.pauseProject(project.id, PAUSED);
      await changeHeld(this.database, drive, life.tasksPausedNow);
      return 'go on';
    });
  }

  /** Cancels all that is left of a project's tasks; those that wait for others end with them. */
  cancel(project: StoredProject, drive: Drive): Promise<StepEnd> {
    return this.attempt(drive, async () => {
      const left = (await this.controlPlane.tasks(project.id)).filter(({ status }) => !TERMINAL.has(status));
      const ids = new Set(left.map(({ id }) => id));
      const first = left.filter(
        ({ dependencies }) => !dependencies.some((dependency) => ids.has(dependency)),
      );
      for (const { id } of first) await this.controlPlane.cancelTask(id, CANCELLED);
      if (left.length > 0) return { restMs: this.config.lookGapMs / 4 };
      // The name of the project must not stay on the list of what is paused.
      await this.controlPlane.resumeProject(project.id);
      await changeHeld(this.database, drive, life.tasksCancelled);
      return 'go on';
    });
  }

  /** Brings the ledger to where the tasks of a running project can be looked at. */
  private async prepare(project: StoredProject, plan: Plan, drive: Drive): Promise<StepEnd> {
    if (project.tasksPaused) {
      await this.controlPlane.resumeProject(project.id);
      await changeHeld(this.database, drive, life.tasksResumed);
    }
    if (project.handedIn) return 'go on';
    try {
      await this.controlPlane.handIn(taskGraph(project, plan));
    } catch (error) {
      if (!(error instanceof ControlPlaneRefusal)) throw error;
      await changeHeld(
        this.database,
        drive,
        ifCoding((now) => life.failed(now, error.message)),
      );
      return 'go on';
    }
    await changeHeld(this.database, drive, life.handedIn);
    return 'go on';
  }

  /** Looks at the tasks once, and stores what has become of them. */
  private async look({ id }: StoredProject, plan: Plan, drive: Drive): Promise<'look again' | 'go on'> {
    const tasks = await this.controlPlane.tasks(id);
    const seen = new Map(tasks.map((task) => [task.id, task]));
    const now = await changeHeld(this.database, drive, async (project, tx) => {
      if (project.status !== 'coding') return { project, events: [] };
      const progress = progressOf(project.id, plan, await listTasks(tx, project.id), seen);
      await saveTasks(tx, project.id, progress.changed);
      return advanced(project, progress);
    });
    return now?.status === 'coding' ? 'look again' : 'go on';
  }

  /** Does something at the control plane. When that is away, the project says so and rests. */
  private async attempt<Other = never>(
    drive: Drive,
    work: () => Promise<StepEnd | Other>,
  ): Promise<StepEnd | Other> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ControlPlaneAwayError) && !(error instanceof ControlPlaneRefusal)) throw error;
      await changeHeld(this.database, drive, (now) =>
        now.error === error.message ? { project: now, events: [] } : life.hindered(now, error.message),
      );
      return {
        restMs: error instanceof ControlPlaneAwayError ? error.retryAfterMs : this.config.lookEveryMs,
      };
    }
  }
}

const ifCoding =
  (rule: (project: Project) => Change) =>
  (project: StoredProject): Change =>
    project.status === 'coding' ? rule(project) : { project, events: [] };

function advanced(project: StoredProject, { events, end }: Progress): Change {
  const cleared: Project = project.error === '' ? project : { ...project, error: '' };
  const change: Change =
    end.kind === 'running'
      ? { project: cleared, events: [] }
      : end.kind === 'completed'
        ? life.completed(cleared, end.message)
        : life.failed(cleared, end.why);
  return { project: change.project, events: [...events, ...change.events] };
}

/** Waits until a time, less when the work is interrupted. Hints in between are not lost: the next look is to come. */
async function untilLater(drive: Drive, timeMs: number): Promise<void> {
  while (!drive.interrupted.aborted && performance.now() < timeMs) {
    await drive.moves.moved(drive.moves.version, timeMs - performance.now(), drive.interrupted);
  }
}
