import {
  isPlanAction,
  outwardActions,
  type ParamRule,
  paramRules,
  planActions,
  testRunners,
} from './plan-actions.js';
import { refusalOfPath } from './plan-paths.js';
import { NO_MILESTONE, type Plan, type PlanMilestone, type PlanTask } from './plan.js';

/** How much a plan may be. */
export const PLAN_LIMITS = {
  tasks: 200,
  milestones: 20,
  files: 100,
  dependencies: 100,
  nameLength: 200,
  idLength: 64,
  summaryLength: 4_000,
} as const;

/** So many faults are told at once: what is wrong with a plan is often wrong in all of its tasks. */
const MAX_FAULTS = 12;

export type ReadPlan =
  { readonly ok: true; readonly plan: Plan } | { readonly ok: false; readonly faults: readonly string[] };

export interface PlanRules {
  /** Whether a plan may do what leaves the machine, such as `git_push`. */
  readonly outward: boolean;
}

/**
 * Reads a plan and refuses whatever is not one, with a sentence for each fault. What it accepts can be handed in as it
 * is: ids are unique, dependencies are known and lead nowhere in circles, paths stay inside of the project.
 */
export function readPlan(value: unknown, rules: PlanRules): ReadPlan {
  const reader = new PlanReader(rules);
  const plan = reader.plan(value);
  if (reader.faults.length === 0) reader.judgeOrder(plan);
  return reader.faults.length === 0
    ? { ok: true, plan }
    : { ok: false, faults: reader.faults.slice(0, MAX_FAULTS) };
}

type Fields = Readonly<Record<string, unknown>>;

class PlanReader {
  readonly faults: string[] = [];
  private readonly ids = new Set<string>();

  constructor(private readonly rules: PlanRules) {}

  plan(value: unknown): Plan {
    const fields = this.object(value, 'the plan');
    const milestones = this.list(fields['milestones'] ?? [], 'milestones', PLAN_LIMITS.milestones).map(
      (entry, index) => this.milestone(entry, `milestones[${index}]`),
    );
    const loose = this.tasks(fields['tasks'] ?? [], 'tasks');
    const all = loose.length === 0 ? milestones : [...milestones, { name: NO_MILESTONE, tasks: loose }];
    const count = all.reduce((sum, { tasks }) => sum + tasks.length, 0);
    if (count > PLAN_LIMITS.tasks)
      this.faults.push(`The plan has ${count} tasks; at most ${PLAN_LIMITS.tasks} are allowed.`);
    if (count === 0 && this.faults.length === 0) this.faults.push('The plan has no tasks.');
    return {
      summary: this.text(fields['summary'] ?? '', 'summary', {
        max: PLAN_LIMITS.summaryLength,
        mayBeEmpty: true,
      }),
      milestones: all,
      testing: this.testing(fields['testing']),
    };
  }

  /** Unknown dependencies, such of later milestones, and circles. */
  judgeOrder({ milestones }: Plan): void {
    const place = new Map(
      milestones.flatMap(({ tasks }, index) => tasks.map(({ id }) => [id, index] as const)),
    );
    milestones.forEach(({ tasks }, index) => {
      for (const { id, dependencies } of tasks) {
        for (const dependency of dependencies) {
          const where = place.get(dependency);
          if (dependency === id) this.faults.push(`Task '${id}' depends on itself.`);
          else if (where === undefined)
            this.faults.push(`Task '${id}' depends on '${dependency}', which is no task of the plan.`);
          else if (where > index)
            this.faults.push(`Task '${id}' depends on '${dependency}' of a later milestone.`);
        }
      }
    });
    if (this.faults.length > 0) return;
    for (const { tasks } of milestones) {
      const circle = circleIn(tasks);
      if (circle !== null)
        this.faults.push(`Tasks wait for each other: ${circle.map((id) => `'${id}'`).join(' → ')}.`);
    }
  }

  private milestone(value: unknown, at: string): PlanMilestone {
    const fields = this.object(value, at);
    const tasks = this.tasks(fields['tasks'], `${at}.tasks`);
    if (tasks.length === 0) this.faults.push(`${at} has no tasks.`);
    return { name: this.text(fields['name'], `${at}.name`, { max: PLAN_LIMITS.nameLength }), tasks };
  }

  private tasks(value: unknown, at: string): PlanTask[] {
    return this.list(value, at, PLAN_LIMITS.tasks).map((entry, index) => this.task(entry, `${at}[${index}]`));
  }

  private task(value: unknown, at: string): PlanTask {
    const fields = this.object(value, at);
    const id = this.text(fields['id'], `${at}.id`, { max: PLAN_LIMITS.idLength });
    if (id !== '' && this.ids.has(id)) this.faults.push(`${at}.id '${id}' is used twice.`);
    this.ids.add(id);
    const action = this.text(fields['action'], `${at}.action`, { max: PLAN_LIMITS.nameLength });
    const rest = {
      id,
      title: this.text(fields['title'], `${at}.title`, { max: PLAN_LIMITS.nameLength }),
      files: this.patterns(fields['files'] ?? [], `${at}.files`),
      reads: this.patterns(fields['reads'] ?? [], `${at}.reads`),
      dependencies: this.list(
        fields['dependencies'] ?? [],
        `${at}.dependencies`,
        PLAN_LIMITS.dependencies,
      ).map((entry, index) =>
        this.text(entry, `${at}.dependencies[${index}]`, { max: PLAN_LIMITS.idLength }),
      ),
    };
    if (!isPlanAction(action) || (outwardActions.has(action) && !this.rules.outward)) {
      const known = Object.keys(planActions).filter(
        (name) => this.rules.outward || !outwardActions.has(name as keyof typeof planActions),
      );
      if (action !== '') this.faults.push(`${at}.action '${action}' is not one of ${known.join(', ')}.`);
      return { ...rest, action: 'file_write', params: {} };
    }
    if (action === 'run_coding_agent' && rest.files.length === 0) {
      this.faults.push(`${at}.files is empty: a coding agent must name what it writes.`);
    }
    const given = {
      ...this.object(fields['params'] ?? {}, `${at}.params`),
      // A prompt is what most tasks are about, so it may stand beside the action.
      ...(fields['prompt'] === undefined ? {} : { prompt: fields['prompt'] }),
    };
    return { ...rest, action, params: this.params(given, paramRules(action), `${at}.params`) };
  }

  private params(given: Fields, rules: Readonly<Record<string, ParamRule>>, at: string): Fields {
    for (const name of Object.keys(given)) {
      if (!Object.hasOwn(rules, name)) this.faults.push(`${at}.${name} is not known.`);
    }
    const read = Object.entries(rules).map(([name, rule]) => {
      const value = Object.hasOwn(given, name) ? given[name] : rule.default;
      if (value === undefined && rule.kind === 'number') return [];
      return [name, this.param(value, rule, `${at}.${name}`)];
    });
    return Object.fromEntries(read.filter((entry) => entry.length > 0)) as Fields;
  }

  private param(value: unknown, rule: ParamRule, at: string): unknown {
    switch (rule.kind) {
      case 'text':
        return this.text(value, at, { max: rule.maxLength, mayBeEmpty: rule.mayBeEmpty ?? false });
      case 'path': {
        const path = this.text(value, at, { max: Number.MAX_SAFE_INTEGER });
        const refused = path === '' ? null : refusalOfPath(path, { folder: rule.isFolder ?? false });
        if (refused !== null) this.faults.push(`${at} '${path.slice(0, 100)}' ${refused}.`);
        return path;
      }
      case 'choice':
        if (!rule.of.includes(value as string))
          this.faults.push(`${at} should be one of ${rule.of.join(', ')}.`);
        return value;
      case 'number':
        if (!Number.isInteger(value) || Number(value) < rule.min || Number(value) > rule.max) {
          this.faults.push(`${at} should be a whole number from ${rule.min} to ${rule.max}.`);
        }
        return value;
    }
  }

  private patterns(value: unknown, at: string): string[] {
    return this.list(value, at, PLAN_LIMITS.files).map((entry, index) => {
      const path = this.text(entry, `${at}[${index}]`, { max: Number.MAX_SAFE_INTEGER });
      const refused = path === '' ? null : refusalOfPath(path, { pattern: true });
      if (refused !== null) this.faults.push(`${at}[${index}] '${path.slice(0, 100)}' ${refused}.`);
      return path;
    });
  }

  private testing(value: unknown): Plan['testing'] {
    if (value === undefined || value === null) return null;
    const { runner } = this.object(value, 'testing') as { runner?: unknown };
    const known = testRunners.find((name) => name === runner);
    if (known === undefined) this.faults.push(`testing.runner should be one of ${testRunners.join(', ')}.`);
    return known === undefined ? null : { runner: known };
  }

  private object(value: unknown, at: string): Fields {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
    this.faults.push(`${at} should be an object.`);
    return {};
  }

  private list(value: unknown, at: string, max: number): unknown[] {
    if (!Array.isArray(value)) {
      this.faults.push(`${at} should be a list.`);
      return [];
    }
    if (value.length <= max) return value;
    this.faults.push(`${at} has ${value.length} entries; at most ${max} are allowed.`);
    return [];
  }

  private text(
    value: unknown,
    at: string,
    { max, mayBeEmpty = false }: { max: number; mayBeEmpty?: boolean },
  ): string {
    if (typeof value !== 'string' || (!mayBeEmpty && value.trim() === '')) {
      this.faults.push(`${at} should be text.`);
      return '';
    }
    if (value.length > max) this.faults.push(`${at} is longer than ${max} characters.`);
    return value;
  }
}

/** Tasks of a milestone that wait for each other, the first of them again at the end; null when there are none. */
function circleIn(tasks: readonly PlanTask[]): string[] | null {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const done = new Set<string>();
  const walk = (id: string, path: readonly string[]): string[] | null => {
    const start = path.indexOf(id);
    if (start >= 0) return [...path.slice(start), id];
    if (done.has(id)) return null;
    for (const next of byId.get(id)?.dependencies ?? []) {
      const circle = byId.has(next) ? walk(next, [...path, id]) : null;
      if (circle !== null) return circle;
    }
    done.add(id);
    return null;
  };
  for (const { id } of tasks) {
    const circle = walk(id, []);
    if (circle !== null) return circle;
  }
  return null;
}
