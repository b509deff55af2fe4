import { bootstrapSummary } from './domain/bootstrap.js';
import { waitsFor } from './domain/next-step.js';
import { taskCount } from './domain/plan.js';
import { numbered } from './domain/progress.js';
import { type EventView, type ProjectView, type ProjectSummary } from './projects.dto.js';
import { type ProjectDetails } from './projects.service.js';
import { type StoredEvent } from './queries/events.queries.js';
import { type StoredProject } from './queries/project-row.js';

export function projectSummary(
  project: StoredProject,
  ideas: number,
  done: number,
): Pick<ProjectSummary, keyof ProjectSummary> {
  return {
    id: project.id,
    slug: project.slug,
    name: project.name,
    description: project.description,
    directory: project.directory,
    status: project.status,
    waits_for: waitsFor(project),
    error: project.error,
    bootstrap: project.bootstrap,
    bootstrap_summary: bootstrapSummary(project.bootstrapSteps),
    ideas_count: ideas,
    tasks_done: done,
    tasks_total: project.plan === null ? 0 : taskCount(project.plan),
    created_at: project.createdAt,
    updated_at: project.updatedAt,
    started_at: project.startedAt,
    ended_at: project.endedAt,
  };
}

export function projectView({ project, ideas, tasks }: ProjectDetails): ProjectView {
  const { plan } = project;
  const planned = plan === null ? [] : numbered(project.id, plan);
  const done = planned
    .flatMap((milestone) => milestone.tasks)
    .filter(({ taskId }) => tasks.get(taskId)?.phase === 'succeeded').length;
  return {
    ...projectSummary(project, ideas.length, done),
    ideas: [...ideas],
    plan:
      plan === null
        ? null
        : {
            summary: plan.summary,
            testing: plan.testing?.runner ?? null,
            milestones: planned.map(({ name, tasks: members }) => ({
              name,
              tasks: members.map(({ taskId, task }) => ({
                id: task.id,
                task_id: taskId,
                title: task.title,
                action: task.action,
                files: [...task.files],
                dependencies: [...task.dependencies],
                status: tasks.get(taskId)?.phase ?? 'waiting',
                error: tasks.get(taskId)?.error ?? '',
              })),
            })),
          },
  };
}

export function eventView({ id, projectId, type, message, payload, createdAt }: StoredEvent): EventView {
  return { id, project_id: projectId, type, message, payload: { ...payload }, created_at: createdAt };
}
