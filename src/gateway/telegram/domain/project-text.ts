/** A project as `GET /projects/{id}` shows it: what is said of it in a message. */
export interface ProjectInWords {
  readonly slug: string;
  readonly status: string;
  readonly waits_for: string | null;
  readonly error: string;
  readonly bootstrap_summary: string;
  readonly ideas: readonly string[];
  readonly tasks_done: number;
  readonly tasks_total: number;
  readonly plan: {
    readonly summary: string;
    readonly milestones: readonly {
      readonly name: string;
      readonly tasks: readonly { readonly title: string; readonly action: string; readonly status: string }[];
    }[];
  } | null;
}

/** A project in a few lines. */
export function projectText(project: ProjectInWords): string {
  const { slug, status, waits_for: waitsFor, ideas, tasks_done: done, tasks_total: total } = project;
  return [
    `${slug}: ${status}${waitsFor === null ? '' : `, waits for ${waitsFor}`}`,
    `Ideas: ${ideas.length}${total === 0 ? '' : `; tasks: ${done}/${total}`}`,
    ...(project.bootstrap_summary === '' ? [] : [`Folder: ${project.bootstrap_summary}`]),
    ...(project.error === '' ? [] : [`Trouble: ${project.error}`]),
  ].join('\n');
}

/** A plan, milestone by milestone. */
export function planText({ slug, plan }: ProjectInWords): string {
  if (plan === null) return `${slug} has no plan.`;
  return [
    `Plan of ${slug}: ${plan.summary}`,
    ...plan.milestones.flatMap(({ name, tasks }) => [
      `\n${name}`,
      ...tasks.map(({ title, action }) => `- ${title} (${action})`),
    ]),
  ].join('\n');
}

/** A project in one line. */
export function projectLine({
  slug,
  status,
  done,
}: {
  readonly slug: string;
  readonly status: string;
  readonly done: number;
}): string {
  return `${slug}: ${status}${done === 0 ? '' : `, ${done} tasks done`}`;
}
