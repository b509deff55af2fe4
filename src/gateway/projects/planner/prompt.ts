import {
  paramRules,
  type ParamRule,
  type PlanAction,
  planActions,
  testRunners,
} from '../domain/plan-actions.js';
import { PLAN_LIMITS, type PlanRules } from '../domain/read-plan.js';
import { outwardActions } from '../domain/plan-actions.js';
import { type ChatMessage } from '../../providers/index.js';

export interface PlanQuestion {
  readonly name: string;
  readonly description: string;
  readonly ideas: readonly string[];
  readonly guidance: string;
  readonly rules: PlanRules;
}

/** What a model is asked for a plan. */
export function planPrompt({ name, description, ideas, guidance, rules }: PlanQuestion): ChatMessage[] {
  const system = [INTRODUCTION, format(rules), ...(guidance === '' ? [] : [guidance])].join('\n\n');
  const user = [
    `Project: ${name}`,
    ...(description === '' ? [] : [`Description: ${description}`]),
    'Ideas:',
    ...ideas.map((idea, index) => `${index + 1}. ${idea}`),
  ].join('\n');
  return [
    { role: 'system', content: system },
    { role: 'user', content: user },
  ];
}

/** What a model is told whose plan was refused. */
export function repairPrompt(answer: string, faults: readonly string[]): ChatMessage[] {
  const content = [
    'This plan cannot be accepted:',
    ...faults.map((fault) => `- ${fault}`),
    'Answer with the whole plan again, corrected, as one JSON document and nothing else.',
  ].join('\n');
  return [
    { role: 'assistant', content: answer },
    { role: 'user', content },
  ];
}

const INTRODUCTION =
  'You plan software projects. The ideas that you are given become a plan of tasks, which programs carry out without ' +
  'asking back. The folder of the project is there, with a README.md and a git repository on the branch main. Answer ' +
  'with one JSON document and nothing else.';

function format(rules: PlanRules): string {
  const actions = (Object.keys(planActions) as PlanAction[]).filter(
    (action) => rules.outward || !outwardActions.has(action),
  );
  return `The document:
{
  "summary": "what will be built, in a few sentences",
  "milestones": [
    {
      "name": "…",
      "tasks": [
        {
          "id": "unique in the plan",
          "title": "a short sentence",
          "action": "one of the actions below",
          "params": { "…": "the parameters of the action" },
          "files": ["what it writes: files, folders (src/) or globs (src/**/*.ts)"],
          "reads": ["what it only reads"],
          "dependencies": ["ids of tasks of this or an earlier milestone that must succeed first"]
        }
      ]
    }
  ],
  "testing": { "runner": "${testRunners.join(' | ')}" }
}

Rules:
- All paths are relative to the project's folder, with / between folders. No '..', nothing in .git.
- A milestone begins when all tasks of the one before it have succeeded. Tasks of one milestone run at the same time,
  unless they depend on each other or share a file.
- "files" must name everything that a task of run_coding_agent writes. Of file_write it is known.
- "testing" is what tests the whole at the end; leave it out when there are no tests.
- End each milestone with a git_add_all, and a git_commit that depends on it.
- At most ${PLAN_LIMITS.tasks} tasks and ${PLAN_LIMITS.milestones} milestones.

Actions and their parameters (* is required):
${actions.map((action) => `- ${action}: ${parameters(action)}`).join('\n')}`;
}

function parameters(action: PlanAction): string {
  return Object.entries(paramRules(action))
    .map(([name, rule]) => `${name}${isRequired(rule) ? '*' : ''} (${meaning(rule)})`)
    .join(', ');
}

const isRequired = (rule: ParamRule) => rule.default === undefined && rule.kind !== 'number';

function meaning(rule: ParamRule): string {
  switch (rule.kind) {
    case 'text':
      return `text, at most ${rule.maxLength} characters`;
    case 'path':
      return rule.isFolder === true ? 'folder' : 'file';
    case 'choice':
      return rule.of.join(' | ');
    case 'number':
      return `${rule.min} to ${rule.max}`;
  }
}
