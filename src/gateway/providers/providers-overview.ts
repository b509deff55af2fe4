import { type Adapter } from './adapters/adapter.js';
import { type ProviderTraits, providerTraits } from './domain/catalogue.js';
import { orderOfModels } from './domain/model-chain.js';
import { candidateOf } from './provider-router.js';
import { type Candidate, endOfDay, momentaryHindrance } from './domain/selection.js';
import {
  type ProviderModelView,
  type ProvidersView,
  type ProviderView,
  type QuotaView,
} from './http/providers.dto.js';
import { type ModelRest, type ProviderRecord } from './providers.queries.js';
import { type ProviderSettings } from './providers.config.js';
import { type Clock, type ProviderRecords } from './records.service.js';

const MINUTE_MS = 60_000;

/** A provider, with the way to it when it is registered. */
export interface KnownProvider {
  readonly settings: ProviderSettings;
  readonly adapter: Adapter | undefined;
}

/** Shows all providers as an operator wants to see them. Keys are not among what it knows how to show. */
export class ProvidersOverview {
  constructor(
    private readonly known: readonly KnownProvider[],
    private readonly records: ProviderRecords,
    private readonly clock: Clock,
  ) {}

  async show(): Promise<ProvidersView> {
    const now = this.clock();
    const records = await this.records.list(this.known.map(({ settings }) => settings.name));
    const providers: ProviderView[] = [];
    for (const [index, provider] of this.known.entries()) {
      const { name, models } = provider.settings;
      const record = records.find((entry) => entry.name === name);
      if (record === undefined) continue;
      const rests = await this.records.listRests(name, models);
      providers.push(viewOf({ ...provider, record, rests, priority: index + 1 }, now));
    }
    return { providers };
  }
}

interface Shown extends KnownProvider {
  readonly record: ProviderRecord;
  readonly rests: readonly ModelRest[];
  readonly priority: number;
}

function viewOf({ settings, adapter, record, rests, priority }: Shown, now: number): ProviderView {
  const { name, models, unregistered } = settings;
  const { health, lastError } = record;
  const traits: ProviderTraits = providerTraits[name];
  const reason =
    adapter === undefined
      ? (unregistered ?? 'It is not registered.')
      : reasonOf(candidateOf(name, adapter, record), now);
  const firstLeaves = record.firstAttemptAt === null ? null : record.firstAttemptAt + MINUTE_MS;
  return {
    name,
    priority,
    registered: adapter !== undefined,
    usable: reason === null,
    reason,
    models: modelViews(models, rests, now),
    context_tokens: traits.contextTokens,
    day: quota(traits.perDay, record.requestsToday, endOfDay(now)),
    minute: quota(traits.perMinute, record.attemptsThisMinute, firstLeaves),
    input_tokens_today: record.inputTokensToday,
    output_tokens_today: record.outputTokensToday,
    consecutive_errors: health.errors,
    cooling_until: future(health.coolingUntil, now),
    last_until: future(health.lastUntil, now),
    last_error: lastError,
  };
}

function reasonOf(candidate: Candidate, now: number): string | null {
  if (candidate.absence !== null) return candidate.absence;
  const hindrance = momentaryHindrance(candidate, now);
  switch (hindrance) {
    case null:
      return null;
    case 'day-used':
      return 'Its requests of this UTC day are used up.';
    case 'minute-used':
      return 'Its calls of this minute are used up.';
    case 'cooling':
      return 'It is cooling down after it was called too often.';
  }
}

function modelViews(
  models: readonly string[],
  rests: readonly ModelRest[],
  now: number,
): ProviderModelView[] {
  const resting = new Map(rests.map((rest) => [rest.model, rest]));
  const ends = new Map(rests.map(({ model, until }) => [model, until]));
  return orderOfModels(models, ends, now).map((model) => {
    const rest = resting.get(model);
    return { model, cooling_until: future(rest?.until ?? null, now), last_error: rest?.lastError ?? null };
  });
}

function quota(limit: number | null, used: number, resetsAt: number | null): QuotaView {
  return {
    limit,
    used,
    left: limit === null ? null : Math.max(0, limit - used),
    resets_at: resetsAt === null ? null : new Date(resetsAt).toISOString(),
  };
}

function future(time: number | null, now: number): string | null {
  return time !== null && time > now ? new Date(time).toISOString() : null;
}
