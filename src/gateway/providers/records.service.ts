import { type Database } from '../../platform/database/database.js';
import { type ProviderName, type ProviderTraits, providerTraits } from './domain/catalogue.js';
import { type Usage } from './domain/chat.js';
import { afterFailure, afterSuccess } from './domain/health.js';
import { type ModelRests } from './domain/model-chain.js';
import { type CallFailure } from './errors.js';
import * as queries from './providers.queries.js';

/** Tells the time, in milliseconds since 1970. */
export type Clock = () => number;

/** One call that may be made. */
export interface Admission {
  readonly provider: ProviderName;
  readonly at: number;
}

/**
 * What all gateways on one database remember together of the providers: what was used of their quotas, who rests and who
 * comes last. A call is counted before it is made, so that no number of callers exceeds a limit.
 */
export class ProviderRecords {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  list(names: readonly ProviderName[]): Promise<queries.ProviderRecord[]> {
    return queries.listRecords(this.database, names, this.clock());
  }

  /** Counts a call to the day and to the minute; undefined, and nothing is counted, when one of them is used up. */
  admit(provider: ProviderName): Promise<Admission | undefined> {
    const at = this.clock();
    const { perDay, perMinute }: ProviderTraits = providerTraits[provider];
    return this.database.transaction(async (tx) => {
      if (!(await queries.takeOfDay(tx, provider, perDay, at))) return undefined;
      if (perMinute !== null && !(await queries.takeOfMinute(tx, provider, perMinute, at))) {
        await queries.giveBack(tx, provider, at);
        return undefined;
      }
      return { provider, at };
    });
  }

  /** Takes a call that failed back from the day. In its minute it stays: the provider has counted it as well. */
  giveBack({ provider, at }: Admission): Promise<void> {
    return queries.giveBack(this.database, provider, at);
  }

  /** A call was answered: its tokens count, and what spoke against the provider and the model is over. */
  async succeeded({ provider, at }: Admission, model: string, usage: Usage): Promise<void> {
    await queries.addTokens(this.database, provider, at, usage);
    await queries.wakeModel(this.database, provider, model);
    await queries.changeHealth(this.database, provider, null, afterSuccess);
  }

  /** A provider has failed. */
  async failed(provider: ProviderName, { status, message }: CallFailure): Promise<void> {
    const now = this.clock();
    await queries.changeHealth(this.database, provider, message, (health) =>
      afterFailure(health, status, now),
    );
  }

  /** A model of a chain has failed and rests. */
  async restModel(
    provider: ProviderName,
    model: string,
    restMs: number,
    { message }: CallFailure,
  ): Promise<void> {
    const until = this.clock() + restMs;
    await queries.restModel(this.database, { provider, model, until, error: message });
  }

  async rests(provider: ProviderName, models: readonly string[]): Promise<ModelRests> {
    const rests = await this.listRests(provider, models);
    return new Map(rests.map(({ model, until }) => [model, until]));
  }

  /** The models of a chain that rest, with the reason. */
  listRests(provider: ProviderName, models: readonly string[]): Promise<queries.ModelRest[]> {
    return queries.listRests(this.database, provider, models, this.clock());
  }
}
