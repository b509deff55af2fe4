import { Injectable } from '@nestjs/common';
import { RegistryService } from '../registry/index.js';
import { type Need, needOf, neverReason } from './domain/fitness.js';
import { blankToNull, capabilitySet } from './domain/text-lists.js';
import { type EnqueueTaskRequest } from './ledger.dto.js';

/** Warnings of one answer, and tasks that one of them names. */
const MOST_WARNINGS = 100;
const MOST_NAMED = 5;

/** The part of an answer that says what will not work; not there when there is nothing to say. */
export interface Warnings {
  readonly warnings?: string[];
}

export const NO_WARNINGS: Warnings = {};

/** Whether a task asks for anything that somebody might not have; most do not, and pay nothing. */
export function asksForSomething({ required_capabilities, gateway_strict }: EnqueueTaskRequest): boolean {
  return required_capabilities.length > 0 || gateway_strict;
}

/**
 * Says of new tasks when nobody who is registered could ever run them. Only for tasks that ask for capabilities or for
 * one gateway, and by a look at the registry that is up to a second old: a hint, not a refusal.
 */
@Injectable()
export class EnqueueWarnings {
  constructor(private readonly registry: RegistryService) {}

  async of(tasks: readonly EnqueueTaskRequest[], { named }: { readonly named: boolean }): Promise<Warnings> {
    const needs = tasks.flatMap((task, index) => needFrom(task, index) ?? []);
    if (needs.length === 0) return NO_WARNINGS;
    const roster = await this.registry.recentRoster();
    const verdicts = new Map<string, string | null>();
    const told = new Map<string, number[]>();
    for (const { need, key, index } of needs) {
      if (!verdicts.has(key)) verdicts.set(key, neverReason(need, roster));
      const verdict = verdicts.get(key) ?? null;
      const places = verdict === null ? undefined : told.get(verdict);
      if (places !== undefined) places.push(index);
      else if (verdict !== null) told.set(verdict, [index]);
    }
    if (told.size === 0) return NO_WARNINGS;
    const warnings = [...told].map(([verdict, indexes]) => {
      const sentence = `It can never run as things stand: ${verdict}`;
      return named ? `${placesOf(indexes)}: ${sentence}` : sentence;
    });
    const more = warnings.length - MOST_WARNINGS;
    return {
      warnings: [
        ...warnings.slice(0, MOST_WARNINGS),
        ...(more > 0 ? [`And ${more} more warnings of this kind.`] : []),
      ],
    };
  }
}

/** What a new task asks for; null when it asks for nothing in particular. */
function needFrom(
  task: EnqueueTaskRequest,
  index: number,
): { readonly need: Need; readonly key: string; readonly index: number } | null {
  if (!asksForSomething(task)) return null;
  const gatewayId = blankToNull(task.gateway_id);
  const need = needOf({
    delivery: task.delivery,
    gatewayId,
    gatewayStrict: task.gateway_strict && gatewayId !== null,
    requiredCapabilities: capabilitySet(task.required_capabilities),
  });
  const asksForNothing = need.boundTo === null && need.capabilities.length === 0;
  return asksForNothing ? null : { need, key: JSON.stringify(need), index };
}

function placesOf(indexes: readonly number[]): string {
  const shown = indexes.slice(0, MOST_NAMED).map((index) => `tasks[${index}]`);
  const more = indexes.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
