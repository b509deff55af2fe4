import { type Plan } from '../domain/plan.js';
import { type PlanRules } from '../domain/read-plan.js';
import { type ChatModels } from '../../providers/index.js';
import { type Skills } from '../../skills/index.js';
import { planPrompt, repairPrompt } from './prompt.js';
import { readPlanText } from './plan-text.js';

/** So much of a project's words is used to look for skills. */
const MAX_QUERY = 2_000;

/** A plan could not be had; the message says why, for people. */
export class PlanError extends Error {}

export interface PlanWish {
  readonly name: string;
  readonly description: string;
  readonly ideas: readonly string[];
}

/** Asks a model for plans. A plan that is refused goes back to the model once, with what is wrong. */
export class Planner {
  constructor(
    private readonly models: ChatModels,
    private readonly skills: Skills,
    private readonly rules: PlanRules,
  ) {}

  /** Throws a {@link PlanError} when there is no usable plan; keeps nothing. */
  async plan(wish: PlanWish, signal: AbortSignal): Promise<Plan> {
    const query = [wish.name, wish.description, ...wish.ideas].join('\n').slice(0, MAX_QUERY);
    const guidance = this.skills.guidanceFor(query);
    const messages = planPrompt({ ...wish, guidance, rules: this.rules });
    const answer = await this.ask(messages, signal);
    const first = readPlanText(answer, this.rules);
    if (first.ok) return first.plan;
    const corrected = await this.ask([...messages, ...repairPrompt(answer, first.faults)], signal);
    const second = readPlanText(corrected, this.rules);
    if (second.ok) return second.plan;
    throw new PlanError(`The plan was refused: ${second.faults.join(' ')}`.slice(0, 2_000));
  }

  private async ask(
    messages: Parameters<ChatModels['complete']>[0]['messages'],
    signal: AbortSignal,
  ): Promise<string> {
    try {
      return (await this.models.complete({ messages, taskType: 'planning', signal })).text;
    } catch (error) {
      throw new PlanError((error instanceof Error ? error.message : String(error)).slice(0, 2_000), {
        cause: error,
      });
    }
  }
}
