import { ApiProperty } from '@nestjs/swagger';
import { DEFAULT_LIMIT } from '../../platform/http/cursor.js';
import { Integer, Text, TextList } from '../../platform/http/fields.js';
import { planActions } from './domain/plan-actions.js';
import { transitions } from './domain/project.js';

/** A project to make. */
export class CreateProjectRequest {
  /** What it is called. Its folder and repository are named after it: lower case, other characters as dashes. */
  @Text({ minLength: 1, maxLength: 100, example: 'Math Library' })
  name!: string;

  /** What it is about. */
  @Text({ optional: true, maxLength: 2_000, example: 'Small functions with tests' })
  description = '';
}

/** An idea for a project, or a list of them. */
export class AddIdeaRequest {
  /** What should be built, in a few words or sentences. */
  @Text({ optional: true, nullable: true, maxLength: 2_000, example: 'A function that adds two numbers' })
  idea: string | null = null;

  /** Several at once; blank ones are left out. */
  @TextList({ optional: true, maxItems: 500, maxLength: 2_000 })
  ideas: string[] = [];
}

export class ListProjectsQuery {
  /** Rows at most; negative or above 1000 means 1000. */
  @Integer({ optional: true, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
  limit = DEFAULT_LIMIT;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;
}

export class ProjectEventsQuery {
  /** The id of an event: those after it are told. Left out: all. `Last-Event-ID` wins over it. */
  @Integer({ optional: true, min: 0, max: Number.MAX_SAFE_INTEGER })
  after = 0;
}

/** A project as a list shows it. */
export class ProjectSummary {
  /** Its id. */
  @ApiProperty({ example: 'project_0123456789ab' })
  id!: string;
  /** The same in a readable way; each call takes either. */
  @ApiProperty({ example: 'math-library' })
  slug!: string;
  /** What it is called. */
  name!: string;
  /** What it is about. */
  description!: string;
  /** Its folder, on the machine that executes actions. */
  directory!: string;
  /** Where it is in its life. `approved`: it queues for one of the three places in which projects run. */
  @ApiProperty({ enum: Object.keys(transitions) })
  status!: string;
  /** What it waits for: ideas, a plan, approval, a free place, an executor, its tasks, …; null when it has ended. */
  @ApiProperty({ type: 'string', nullable: true })
  waits_for!: string | null;
  /** What went wrong last, or what is in the way; empty when nothing is. */
  error!: string;
  /** How far its folder is. `deferred`: nobody is there to make it; it goes on when somebody is. */
  @ApiProperty({ enum: ['off', 'pending', 'deferred', 'done', 'failed'] })
  bootstrap!: string;
  /** What became of the steps that make it. */
  @ApiProperty({ example: 'directory: ok; readme: ok; git_init: ok; git_add: ok; git_commit: ok' })
  bootstrap_summary!: string;
  /** How many ideas it has. */
  @ApiProperty({ type: 'integer' })
  ideas_count!: number;
  /** How many tasks of the plan have succeeded. */
  @ApiProperty({ type: 'integer' })
  tasks_done!: number;
  /** How many tasks the plan has. */
  @ApiProperty({ type: 'integer' })
  tasks_total!: number;
  /** When it was made. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  created_at!: string;
  /** When it changed last. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  updated_at!: string;
  /** When it ran first. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  started_at!: string | null;
  /** When it completed, failed or was cancelled. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  ended_at!: string | null;
}

/** A task of a plan. */
export class PlannedTaskView {
  /** Its id in the plan. */
  id!: string;
  /** Its id in the ledger of the control plane, once the project runs. */
  task_id!: string;
  /** What it does. */
  title!: string;
  /** How. */
  @ApiProperty({ enum: Object.keys(planActions) })
  action!: string;
  /** What it says that it writes. */
  files!: string[];
  /** Tasks of the plan that must succeed first, besides those of the milestone before. */
  dependencies!: string[];
  /** How far it is. */
  @ApiProperty({ enum: ['waiting', 'started', 'succeeded', 'failed'] })
  status!: string;
  /** Why it failed. */
  error!: string;
}

/** Tasks that belong together; a milestone begins when the one before it has succeeded. */
export class MilestoneView {
  /** What it is called. */
  name!: string;
  /** Its tasks. */
  tasks!: PlannedTaskView[];
}

export class PlanView {
  /** What will be built. */
  summary!: string;
  /** What tests the whole at the end; null when nothing does. */
  @ApiProperty({ type: 'string', nullable: true })
  testing!: string | null;
  /** The milestones in their order. */
  milestones!: MilestoneView[];
}

/** A project with all that it has. */
export class ProjectView extends ProjectSummary {
  /** Its ideas in the order in which they came. */
  ideas!: string[];
  /** Its plan; null as long as there is none. */
  @ApiProperty({ type: () => PlanView, nullable: true })
  plan!: PlanView | null;
}

export class ProjectResponse {
  /** The project. */
  project!: ProjectView;
}

export class ProjectListResponse {
  /** Newest first. */
  projects!: ProjectSummary[];
  /** Send it as `cursor` for the next page; absent when there is none. */
  @ApiProperty({ required: false })
  next_cursor?: string;
}

export class RemovedProjectResponse {
  /** The id of the project that was forgotten. */
  removed!: string;
  /** Its folder, which stays as it is. */
  directory!: string;
}

/** Something that happened to a project. */
export class EventView {
  /** Grows with time, with gaps. */
  @ApiProperty({ type: 'integer' })
  id!: number;
  /** The project. */
  project_id!: string;
  /** What happened. */
  @ApiProperty({ example: 'milestone_started' })
  type!: string;
  /** The same for people. */
  @ApiProperty({ example: 'Starting milestone 1/2: Core (4 tasks)' })
  message!: string;
  /** What belongs to this kind of event. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  payload!: Record<string, unknown>;
  /** When. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  created_at!: string;
}
