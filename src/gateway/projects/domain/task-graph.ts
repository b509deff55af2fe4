import { below } from './directory.js';
import { type PlanAction, paramRules } from './plan-actions.js';
import { ownershipOf } from './plan-paths.js';
import { type Plan, type PlanTask } from './plan.js';
import { type Project } from './project.js';

/** A task as it is handed in to the ledger. */
export interface LedgerTask {
  readonly task_id: string;
  readonly action: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly dependencies: readonly string[];
  readonly required_files: readonly string[];
  readonly read_files: readonly string[];
  readonly project_id: string;
  readonly delivery: 'push';
}

/** The id of a plan's task in the ledger: the same however often the plan is handed in. `number` counts from 1. */
export function ledgerTaskId(projectId: string, number: number): string {
  return `${projectId}-task-${number}`;
}

/** The id of the final testing in the ledger. */
export function testingTaskId(projectId: string): string {
  return `${projectId}-testing`;
}

/**
 * The whole plan as one graph. A milestone begins when all of the one before it has succeeded: its first tasks depend on
 * the last ones there, and the final testing on the last of all.
 */
export function taskGraph({ id: projectId, directory }: Project, plan: Plan): LedgerTask[] {
  const numbers = new Map(
    plan.milestones.flatMap(({ tasks }) => tasks).map(({ id }, index) => [id, index + 1] as const),
  );
  const ledgerId = (planId: string) => ledgerTaskId(projectId, numbers.get(planId) ?? 0);
  const common = { project_id: projectId, delivery: 'push' } as const;
  let gate: readonly string[] = [];
  const graph: LedgerTask[] = [];
  for (const { tasks } of plan.milestones) {
    const here = new Set(tasks.map(({ id }) => id));
    const awaited = new Set(tasks.flatMap(({ dependencies }) => dependencies));
    for (const task of tasks) {
      const isFirst = !task.dependencies.some((dependency) => here.has(dependency));
      const dependencies = [...task.dependencies.map(ledgerId), ...(isFirst ? gate : [])];
      graph.push({
        ...common,
        task_id: ledgerId(task.id),
        action: task.action,
        params: absolute(task.action, task.params, directory),
        dependencies: [...new Set(dependencies)],
        ...filesOf(task),
      });
    }
    gate = tasks.filter(({ id }) => !awaited.has(id)).map(({ id }) => ledgerId(id));
  }
  if (plan.testing !== null) {
    graph.push({
      ...common,
      task_id: testingTaskId(projectId),
      action: 'run_tests',
      params: { working_dir: directory, runner: plan.testing.runner },
      dependencies: gate,
      required_files: [],
      read_files: ['**'],
    });
  }
  return graph;
}

/** Commands of git change what git keeps; what else they touch they only read. */
const GIT = new Set<PlanAction>(['git_add_all', 'git_commit', 'git_push']);
/** These look at anything when the plan does not say at what. */
const LOOK_AROUND = new Set<PlanAction>(['run_tests', 'lint_project', 'build_project']);

function filesOf({
  action,
  params,
  files,
  reads,
}: PlanTask): Pick<LedgerTask, 'required_files' | 'read_files'> {
  const written = [...files];
  const read = [...reads];
  const path = params['file'] ?? params['directory'];
  if (action === 'file_write') written.push(ownershipOf(String(path)));
  else if (GIT.has(action)) {
    written.push('.git/');
    read.push('**');
  } else if (action === 'install_dependencies' && files.length === 0) written.push('**');
  else if (LOOK_AROUND.has(action) && files.length + reads.length === 0) read.push('**');
  return { required_files: [...new Set(written)], read_files: [...new Set(read)] };
}

function absolute(
  action: PlanAction,
  params: Readonly<Record<string, unknown>>,
  directory: string,
): Readonly<Record<string, unknown>> {
  const rules = paramRules(action);
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [
      name,
      rules[name]?.kind === 'path' ? below(directory, String(value)) : value,
    ]),
  );
}
