import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type Database, type Tx } from '../../platform/database/database.js';
import { Problem } from '../../platform/problems/problem.js';
import { within } from '../../platform/within.js';
import { below } from './domain/directory.js';
import * as life from './domain/life.js';
import { waitsFor } from './domain/next-step.js';
import { type Change, type Project } from './domain/project.js';
import { slugOf } from './domain/slug.js';
import { type ProjectsConfig } from './projects.config.js';
import { LEASE_SECONDS, longestWaitMs } from './queries/leases.queries.js';
import { type StoredProject } from './queries/project-row.js';
import {
  addIdeas,
  deleteProject,
  findProject,
  insertProject,
  type ListedProject,
  listIdeas,
  listProjects,
  lockProject,
  saveChange,
} from './queries/projects.queries.js';
import { countDone, listTasks } from './queries/tasks.queries.js';
import { type KnownTask } from './domain/progress.js';
import { type Drives } from './driving/drives.js';

/** Ideas of one project at most. */
export const MAX_IDEAS = 500;

/** Clients give up after 30 s; a bootstrap may take longer, and goes on. */
const BOOTSTRAP_WAIT_MS = 20_000;

/** A model may be asked twice, and takes 180 s at most each time. */
const PLAN_WAIT_MS = 400_000;
const LOOK_MS = 500;

/** A project with all that is shown of it. */
export interface ProjectDetails {
  readonly project: StoredProject;
  readonly ideas: readonly string[];
  readonly tasks: ReadonlyMap<string, KnownTask>;
}

export interface ProjectPage {
  readonly projects: readonly (ListedProject & { readonly done: number })[];
  /** Whether there are more. */
  readonly more: boolean;
}

/**
 * What people do with projects. Each is one transaction under the project's row lock: of many who say the same at once
 * one is heard, and the others are told what has become of the project. What follows from it is done by the loop.
 */
export class ProjectsService {
  constructor(
    private readonly database: Database,
    private readonly drives: Drives,
    private readonly config: ProjectsConfig,
    /** Has the loop look now. */
    private readonly nudge: () => void,
  ) {}

  /**
   * Makes a project and begins its bootstrap; resolves when that has ended or has been
   * deferred, or after 20 s. With strict bootstrap a
   * project whose folder cannot be made is forgotten, and the caller hears why.
   */
  async create(name: string, description: string): Promise<ProjectDetails> {
    const slug = slugOf(name);
    if (slug === null) {
      throw new Problem('bad-request', 'The name of a project needs a letter from a to z or a digit.');
    }
    const id = `project_${randomBytes(6).toString('hex')}`;
    const directory = below(this.config.baseDir, slug);
    const bootstrap = this.config.bootstrap.enabled ? 'pending' : 'off';
    const holder = randomUUID();
    const project = {
      id,
      slug,
      name: name.trim(),
      description: description.trim(),
      directory,
      bootstrap,
    } as const;
    await this.database.transaction(async (tx) => {
      if (!(await insertProject(tx, project, { holder, seconds: LEASE_SECONDS }))) {
        throw new Problem('project-exists', `Project '${slug}' already exists.`);
      }
      const made = await lockProject(tx, id);
      if (made !== null && bootstrap === 'off') {
        const message = `Project '${slug}' created.`;
        await saveChange(tx, { project: made, events: [{ type: 'created', message }] });
      }
    });
    const end = await within(BOOTSTRAP_WAIT_MS, this.drives.begin({ projectId: id, holder }));
    if (end !== undefined && end.rolledBack !== null) {
      throw new Problem('bootstrap-failed', `Project '${slug}' was not created: ${end.rolledBack}`);
    }
    return this.get(id);
  }

  /** Adds one idea or a list, all or none: a list that makes enough of them is planned as a whole. */
  async addIdea(idOrSlug: string, ...ideas: readonly string[]): Promise<ProjectDetails> {
    return this.change(idOrSlug, async (project, tx) => {
      life.expectIdeation(project);
      const texts = ideas.map((idea) => idea.trim());
      const count = await addIdeas(tx, project.id, texts);
      if (count > MAX_IDEAS) {
        throw new Problem(
          'project-state',
          `Project '${project.slug}' takes ${MAX_IDEAS} ideas, and has ${count - texts.length}.`,
        );
      }
      return life.ideaAdded(project, count, this.config.autoStart);
    });
  }

  async plan(idOrSlug: string): Promise<ProjectDetails> {
    return this.change(idOrSlug, async (project, tx) =>
      life.plan(project, (await listIdeas(tx, project.id)).length),
    );
  }

  /** A project once its plan is there or could not be had; as it is then, after `limitMs`. */
  async whenPlanned(idOrSlug: string, limitMs = PLAN_WAIT_MS): Promise<ProjectDetails> {
    const end = performance.now() + limitMs;
    for (;;) {
      const details = await this.get(idOrSlug);
      if (waitsFor(details.project) !== 'plan' || performance.now() >= end) return details;
      await wait(LOOK_MS, undefined, { ref: false });
    }
  }

  approve(idOrSlug: string): Promise<ProjectDetails> {
    return this.change(idOrSlug, (project) => life.approve(project));
  }

  pause(idOrSlug: string): Promise<ProjectDetails> {
    return this.change(idOrSlug, life.pause);
  }

  resume(idOrSlug: string): Promise<ProjectDetails> {
    return this.change(idOrSlug, life.resume);
  }

  cancel(idOrSlug: string): Promise<ProjectDetails> {
    return this.change(idOrSlug, life.cancel);
  }

  /** Forgets a project. Its folder stays as it is. */
  async remove(idOrSlug: string): Promise<StoredProject> {
    return this.database.transaction(async (tx) => {
      const project = await lockProject(tx, idOrSlug);
      if (project === null) throw notFound(idOrSlug);
      stated(() => life.expectRemovable(project));
      await deleteProject(tx, project.id);
      return project;
    });
  }

  async get(idOrSlug: string): Promise<ProjectDetails> {
    const project = await findProject(this.database, idOrSlug);
    if (project === null) throw notFound(idOrSlug);
    return {
      project,
      ideas: await listIdeas(this.database, project.id),
      tasks: await listTasks(this.database, project.id),
    };
  }

  async list(
    after: { readonly createdAt: string; readonly id: string } | null,
    limit: number,
  ): Promise<ProjectPage> {
    const listed = await listProjects(this.database, after, limit + 1);
    const page = listed.slice(0, limit);
    const done = await countDone(
      this.database,
      page.map(({ project }) => project.id),
    );
    return {
      projects: page.map((entry) => ({ ...entry, done: done.get(entry.project.id) ?? 0 })),
      more: listed.length > limit,
    };
  }

  /** For how long a project has been waiting for a gateway to take it up, the longest of all. */
  longestWaitMs(hasExecutor: boolean): Promise<number> {
    return longestWaitMs(this.database, hasExecutor);
  }

  private async change(
    idOrSlug: string,
    rule: (project: Project, tx: Tx) => Change | Promise<Change>,
  ): Promise<ProjectDetails> {
    const { id, version } = await this.database.transaction(async (tx) => {
      const project = await lockProject(tx, idOrSlug);
      if (project === null) throw notFound(idOrSlug);
      await saveChange(tx, await statedLater(() => rule(project, tx)));
      return { id: project.id, version: project.version + 1 };
    });
    this.drives.noteVersion(id, version);
    this.nudge();
    return this.get(id);
  }
}

function notFound(idOrSlug: string): Problem {
  return new Problem('project-not-found', `Project '${idOrSlug}' not found.`);
}

function stated<T>(rule: () => T): T {
  try {
    return rule();
  } catch (error) {
    throw asProblem(error);
  }
}

async function statedLater<T>(rule: () => T | Promise<T>): Promise<T> {
  try {
    return await rule();
  } catch (error) {
    throw asProblem(error);
  }
}

/** A rule's refusal in the words of the API. */
function asProblem(error: unknown): unknown {
  return error instanceof life.ProjectStateError ? new Problem('project-state', error.message) : error;
}
