import { Injectable } from '@nestjs/common';
import { capabilitiesFor } from '../../contracts/actions.js';
import { RegistryService } from '../registry/index.js';
import { type Need, needOf, neverReason } from './domain/fitness.js';
import { nameOf, type Pause } from './domain/pause.js';
import { blankToNull, capabilitySet, projectOf } from './domain/text-lists.js';
import { type EnqueueTaskRequest } from './ledger.dto.js';
import { PausesService } from './pauses.service.js';

/** Warnings of one answer, and tasks that one of them names. */
const MOST_WARNINGS = 100;
const MOST_NAMED = 5;

/** The part of an answer that says what will not work; not there when there is nothing to say. */
export interface Warnings {
  readonly warnings?: string[];
}

const NEVER = 'It can never run as things stand: ';
const NO_WARNINGS: Warnings = {};

/** Whether a task asks for anything that somebody might not have; most do not, and are not looked at. */
function asksForSomething({ action, required_capabilities, gateway_strict }: EnqueueTaskRequest): boolean {
  return required_capabilities.length > 0 || gateway_strict || capabilitiesFor(action).length > 0;
}

/** Warnings, each with the places of the tasks that it is about. */
type Told = Map<string, number[]>;

/**
 * Says of new tasks when they are paused, and when nobody who is registered could ever run them: the latter only of tasks
 * that ask for capabilities or for one gateway. By looks that are up to a second old: a hint, not a refusal.
 */
@Injectable()
export class EnqueueWarnings {
  constructor(
    private readonly registry: RegistryService,
    private readonly pauses: PausesService,
  ) {}

  async of(tasks: readonly EnqueueTaskRequest[], { named }: { readonly named: boolean }): Promise<Warnings> {
    const pauses = await this.pauses.recent();
    if (pauses.length === 0 && !tasks.some(asksForSomething)) return NO_WARNINGS;
    const told: Told = new Map();
    tellOfPauses(tasks, pauses, told);
    await this.tellOfNobody(tasks, told);
    if (told.size === 0) return NO_WARNINGS;
    const warnings = [...told].map(([sentence, indexes]) =>
      named ? `${placesOf(indexes)}: ${sentence}` : sentence,
    );
    const more = warnings.length - MOST_WARNINGS;
    return {
      warnings: [
        ...warnings.slice(0, MOST_WARNINGS),
        ...(more > 0 ? [`And ${more} more warnings of this kind.`] : []),
      ],
    };
  }

  /** The same of a job that asks for these capabilities: there are no hosts that need not be registered. */
  async ofJob(requiredCapabilities: readonly string[]): Promise<Warnings> {
    const told: Told = new Map();
    tellOfPauses([{ project_id: null }], await this.pauses.recent(), told);
    const need: Need = {
      audience: 'hosts',
      boundTo: null,
      capabilities: capabilitySet(requiredCapabilities),
    };
    const never = neverReason(need, await this.registry.recentRoster());
    if (never !== null) tell(told, NEVER + never, 0);
    return told.size === 0 ? NO_WARNINGS : { warnings: [...told.keys()] };
  }

  private async tellOfNobody(tasks: readonly EnqueueTaskRequest[], told: Told): Promise<void> {
    const needs = tasks.flatMap((task, index) => needFrom(task, index) ?? []);
    if (needs.length === 0) return;
    const roster = await this.registry.recentRoster();
    const verdicts = new Map<string, string | null>();
    for (const { need, key, index } of needs) {
      if (!verdicts.has(key)) verdicts.set(key, neverReason(need, roster));
      const verdict = verdicts.get(key) ?? null;
      if (verdict !== null) tell(told, NEVER + verdict, index);
    }
  }
}

function tell(told: Told, sentence: string, index: number): void {
  const places = told.get(sentence);
  if (places === undefined) told.set(sentence, [index]);
  else places.push(index);
}

function tellOfPauses(
  tasks: readonly Pick<EnqueueTaskRequest, 'project_id'>[],
  pauses: readonly Pause[],
  told: Told,
): void {
  if (pauses.length === 0) return;
  const sentences = new Map(
    pauses.map((pause) => {
      const who = pause.scope === 'queue' ? 'The queue' : `Its ${nameOf(pause)}`;
      const why = pause.reason === '' ? '' : ` (${pause.reason})`;
      return [pause.name, `${who} is paused since ${pause.pausedAt}${why}: it waits until that is resumed.`];
    }),
  );
  tasks.forEach(({ project_id }, index) => {
    // The queue has no name.
    for (const name of ['', projectOf(project_id)]) {
      const sentence = sentences.get(name);
      if (sentence !== undefined) tell(told, sentence, index);
    }
  });
}

/** What a new task asks for; null when it asks for nothing in particular. */
function needFrom(
  task: EnqueueTaskRequest,
  index: number,
): { readonly need: Need; readonly key: string; readonly index: number } | null {
  if (!asksForSomething(task)) return null;
  const gatewayId = blankToNull(task.gateway_id);
  const need = needOf({
    kind: 'action',
    delivery: task.delivery,
    gatewayId,
    gatewayStrict: task.gateway_strict && gatewayId !== null,
    requiredCapabilities: capabilitySet([...task.required_capabilities, ...capabilitiesFor(task.action)]),
  });
  const asksForNothing = need.boundTo === null && need.capabilities.length === 0;
  return asksForNothing ? null : { need, key: JSON.stringify(need), index };
}

function placesOf(indexes: readonly number[]): string {
  const shown = indexes.slice(0, MOST_NAMED).map((index) => `tasks[${index}]`);
  const more = indexes.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
