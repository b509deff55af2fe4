import { age, record, table } from '../table.js';
import { plain } from '../terminal.js';
import { type Project, type ProjectDetails } from './gateway-projects.js';

/** One line about where a project is. */
export function sentence({ slug, status, waits_for: waitsFor, error }: Project): string {
  const waits = waitsFor === null ? '' : `, waiting for ${waitsFor}`;
  return plain(`${slug} is in ${status}${waits}.${error === '' ? '' : ` ${error}`}`);
}

/** Projects, a row each. */
export function projectTable(projects: readonly Project[]): string {
  const rows = projects.map((project) => [
    project.slug,
    project.status,
    project.waits_for ?? '',
    String(project.ideas_count),
    progress(project),
    age(project.created_at),
    project.error,
  ]);
  return table(['PROJECT', 'STATUS', 'WAITS FOR', 'IDEAS', 'TASKS', 'AGE', 'ERROR'], rows);
}

/** A project with its ideas and its plan. */
export function projectText(project: ProjectDetails): string {
  const head = record({
    project: project.slug,
    id: project.id,
    name: project.name,
    status: project.status,
    'waits for': project.waits_for ?? '',
    error: project.error,
    folder: project.directory,
    bootstrap: project.bootstrap_summary,
    tasks: progress(project),
  });
  const ideas = project.ideas.map((idea, index) => plain(`  ${index + 1}. ${idea}`));
  const parts = [head, ...(ideas.length === 0 ? [] : [['Ideas:', ...ideas].join('\n')]), planText(project)];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** The plan of a project, milestone by milestone; empty when there is none. */
export function planText({ plan }: ProjectDetails): string {
  if (plan === null) return '';
  const milestones = plan.milestones.map(({ name, tasks }, index) => {
    const rows = tasks.map(({ id, action, status, title, error }) => [
      `  ${id}`,
      action,
      status,
      error === '' ? title : `${title}: ${error}`,
    ]);
    return `${plain(`Milestone ${index + 1}/${plan.milestones.length}: ${name}`)}\n${table(['  TASK', 'ACTION', 'STATUS', 'WHAT'], rows)}`;
  });
  return [
    ...(plan.summary === '' ? [] : [plain(plan.summary)]),
    ...milestones,
    ...(plan.testing === null ? [] : [`At the end: run_tests (${plan.testing})`]),
  ].join('\n\n');
}

const progress = ({ tasks_done: done, tasks_total: total }: Project) =>
  total === 0 ? '' : `${done}/${total}`;
