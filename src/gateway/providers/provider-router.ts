import { type Logger } from '../../platform/logging/logger.js';
import { within } from '../../platform/within.js';
import { type Adapter } from './adapters/adapter.js';
import { CallDeadline } from './call-deadline.js';
import { type ProviderName, providerTraits } from './domain/catalogue.js';
import {
  type ChatReply,
  type ChatRequest,
  type FinishReason,
  type ModelCall,
  type ModelReply,
  type Piece,
  type Usage,
} from './domain/chat.js';
import { type Consequence, consequenceAlone, consequenceInChain } from './domain/failure.js';
import { orderOfModels } from './domain/model-chain.js';
import { type Candidate, choose, type Demand } from './domain/selection.js';
import { estimateTokens } from './domain/token-estimate.js';
import { readWantedModel, type WantedModel } from './domain/wanted-model.js';
import { CallFailure, ProvidersError } from './errors.js';
import { type ProviderRecord } from './providers.queries.js';
import { type ProviderSettings, type ProvidersConfig } from './providers.config.js';
import { type Admission, type Clock, type ProviderRecords } from './records.service.js';
import { callTooLate, endOf, failed, refused, tooLate, unavailable, unknownModel } from './refusals.js';

/** An answer with the reason why it ended. */
export interface FinishedReply extends ChatReply {
  readonly finish: FinishReason;
}

/** An answer that has begun. */
export interface StreamedReply {
  readonly provider: ProviderName;
  readonly model: string;
  /** Read at the pace of who takes it; ends with the piece `end`. Who leaves early ends the call. */
  readonly pieces: AsyncIterable<Piece>;
}

/** A registered provider, with the way to it. */
export interface Registered {
  readonly settings: ProviderSettings;
  readonly adapter: Adapter;
}

export interface ProviderRouterOptions {
  readonly config: ProvidersConfig;
  /** By priority. */
  readonly registered: readonly Registered[];
  readonly records: ProviderRecords;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One call as it is made. */
interface Attempt {
  readonly settings: ProviderSettings;
  readonly model: string;
  readonly admission: Admission;
  readonly adapter: Adapter;
  readonly call: ModelCall;
  readonly deadline: CallDeadline;
  /** The time of the whole request. */
  readonly over: CallDeadline;
}

const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0 };
/** What is left of a shutdown's time for calls that were ended to be written down. */
const LAST_RECORDS_MS = 1_000;

/**
 * Finds somebody who answers a request: asks the providers in the order of their selection, each with its models in
 * theirs, until one answers, one says that the request itself is wrong, or the time is over.
 */
export class ProviderRouter {
  private readonly closing = new AbortController();
  private readonly running = new Set<Promise<unknown>>();

  constructor(private readonly options: ProviderRouterOptions) {}

  /** Answers a request as a whole. Rejects with a {@link ProvidersError}. */
  complete(request: ChatRequest): Promise<FinishedReply> {
    return this.track(this.completeNow(request));
  }

  /** Answers a request bit by bit; resolves with the first piece. From then on nobody else can take over. */
  stream(request: ChatRequest): Promise<StreamedReply> {
    return this.track(this.streamNow(request));
  }

  /** Waits until nothing runs, at most `limitMs`; then ends what is left, and waits until that is written down. */
  async drain(limitMs: number): Promise<void> {
    await within(limitMs, Promise.allSettled(this.running));
    this.closing.abort(new ProvidersError('aborted', 'The gateway is shutting down.'));
    await within(LAST_RECORDS_MS, Promise.allSettled(this.running));
  }

  private track<T>(work: Promise<T>): Promise<T> {
    this.running.add(work);
    const done = () => this.running.delete(work);
    work.then(done, done);
    return work;
  }

  private async completeNow(request: ChatRequest): Promise<FinishedReply> {
    const { provider, model, result } = await this.firstAnswer(
      request,
      async (attempt): Promise<ModelReply> => {
        const { adapter, call, deadline, over, admission } = attempt;
        const reply = await adapter.complete(call, deadline.signal);
        over.stop();
        await this.noteSuccess(admission, attempt.model, reply.usage);
        return reply;
      },
    );
    return { ...result, provider, model };
  }

  private async streamNow(request: ChatRequest): Promise<StreamedReply> {
    const { provider, model, result } = await this.firstAnswer(request, async (attempt) => {
      const { adapter, call, deadline } = attempt;
      const pieces = adapter.stream(call, deadline.signal);
      const first = await pieces.next();
      return this.rest(attempt, first, pieces);
    });
    return { provider, model, pieces: result };
  }

  /** What is left of a stream that has begun. Its time runs only while the provider is waited for. */
  private async *rest(
    { settings, model, admission, deadline, over }: Attempt,
    first: IteratorResult<Piece, void>,
    pieces: AsyncGenerator<Piece, void>,
  ): AsyncGenerator<Piece, void> {
    let left: (() => void) | undefined;
    void this.track(new Promise<void>((resolve) => (left = resolve)));
    let usage = NO_USAGE;
    let failure: CallFailure | undefined;
    let next = first;
    try {
      while (next.done !== true) {
        if (next.value.kind === 'end') ({ usage } = next.value);
        yield next.value;
        deadline.start();
        next = await pieces.next().finally(() => deadline.stop());
      }
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      // The caller has part of the answer: nobody else can give the rest.
      failure = error;
      throw failed(settings.name, failure);
    } finally {
      over.stop();
      await pieces.return();
      await (failure === undefined
        ? this.noteSuccess(admission, model, usage)
        : this.noteBreak(settings, model, failure));
      left?.();
    }
  }

  private get records(): ProviderRecords {
    return this.options.records;
  }

  /** Tries one after the other until `ask` succeeds. */
  private async firstAnswer<T>(
    request: ChatRequest,
    ask: (attempt: Attempt) => Promise<T>,
  ): Promise<{ readonly provider: ProviderName; readonly model: string; readonly result: T }> {
    const { config } = this.options;
    const ends = [this.closing.signal, ...(request.signal === undefined ? [] : [request.signal])];
    const over = new CallDeadline(config.requestMs, () => tooLate(config.requestMs), ends);
    over.start();
    try {
      return await this.tryAll(request, over, ask);
    } catch (error) {
      over.stop();
      throw over.signal.aborted ? endOf(over.signal) : error;
    }
  }

  private async tryAll<T>(
    request: ChatRequest,
    over: CallDeadline,
    ask: (attempt: Attempt) => Promise<T>,
  ): Promise<{ readonly provider: ProviderName; readonly model: string; readonly result: T }> {
    const { clock, registered } = this.options;
    const { demand, candidates } = await this.look(request);
    let last: ProvidersError | undefined;
    for (const { name } of choose(candidates, demand, clock())) {
      const found = registered.find(({ settings }) => settings.name === name);
      if (found === undefined) continue;
      const answer = await this.tryProvider(found, { request, demand, over, ask });
      if (answer.kind === 'answered') return { provider: name, model: answer.model, result: answer.result };
      if (answer.kind === 'failed') last = failed(name, answer.failure);
    }
    throw last ?? unavailable(candidates, demand, clock());
  }

  /** Tries the models of one provider. */
  private async tryProvider<T>(
    { settings, adapter }: Registered,
    {
      request,
      demand,
      over,
      ask,
    }: {
      readonly request: ChatRequest;
      readonly demand: Demand;
      readonly over: CallDeadline;
      readonly ask: (attempt: Attempt) => Promise<T>;
    },
  ): Promise<
    | { readonly kind: 'answered'; readonly model: string; readonly result: T }
    | { readonly kind: 'failed'; readonly failure: CallFailure }
    /** Somebody else has taken the last of its quota meanwhile. */
    | { readonly kind: 'not-asked' }
  > {
    const { name: provider } = settings;
    const { callMs } = this.options.config;
    let failure: CallFailure | undefined;
    for (const model of await this.modelsOf(settings, demand.wanted)) {
      over.signal.throwIfAborted();
      const admission = await this.records.admit(provider);
      if (admission === undefined) break;
      const deadline = new CallDeadline(callMs, () => callTooLate(callMs), [over.signal]);
      deadline.start();
      const call = callOf(request, model);
      try {
        return {
          kind: 'answered',
          model,
          result: await ask({ settings, model, admission, adapter, call, deadline, over }),
        };
      } catch (error) {
        if (!(error instanceof CallFailure)) throw error;
        failure = error;
      } finally {
        deadline.stop();
      }
      await this.records.giveBack(admission);
      const consequence = await this.follow(settings, model, failure);
      if (consequence.kind === 'give-up') throw refused(provider, failure);
      if (consequence.kind === 'next-provider') break;
    }
    if (failure === undefined) return { kind: 'not-asked' };
    await this.records.failed(provider, failure);
    return { kind: 'failed', failure };
  }

  /** Writes down what follows from the failure of one model, and says it. */
  private async follow(
    { name, models }: ProviderSettings,
    model: string,
    failure: CallFailure,
  ): Promise<Consequence> {
    const { status, message } = failure;
    this.options.logger.info({ provider: name, model, status, reason: message }, 'A model provider failed.');
    const consequence = isChain(name) ? consequenceInChain(status) : consequenceAlone(status);
    if (consequence.kind === 'next-model' && models.includes(model)) {
      await this.records.restModel(name, model, consequence.coolMs, failure);
    }
    return consequence;
  }

  private async look(
    request: ChatRequest,
  ): Promise<{ readonly demand: Demand; readonly candidates: readonly Candidate[] }> {
    const wanted = readWantedModel(request.model);
    const { registered } = this.options;
    const isRegistered =
      wanted?.kind === 'auto' || registered.some(({ settings }) => settings.name === wanted?.provider);
    if (wanted === undefined || !isRegistered) throw unknownModel(request.model ?? '');
    const names = registered.map(({ settings }) => settings.name);
    const records = new Map((await this.records.list(names)).map((record) => [record.name, record]));
    const demand: Demand = {
      wanted,
      taskType: request.taskType ?? 'general',
      needsTools: (request.tools ?? []).length > 0,
      tokens: estimateTokens(request),
    };
    return {
      demand,
      candidates: registered.flatMap(({ settings: { name }, adapter }) => {
        const record = records.get(name);
        return record === undefined ? [] : [candidateOf(name, adapter, record)];
      }),
    };
  }

  private async modelsOf(
    { name, models }: ProviderSettings,
    wanted: WantedModel,
  ): Promise<readonly string[]> {
    if (wanted.kind === 'only') return [wanted.model];
    return isChain(name)
      ? orderOfModels(models, await this.records.rests(name, models), this.options.clock())
      : models;
  }

  /** Writes down that a call was answered. */
  private noteSuccess(admission: Admission, model: string, usage: Usage): Promise<void> {
    return this.note(admission.provider, model, () => this.records.succeeded(admission, model, usage));
  }

  /** Writes down that an answer broke off in the middle. */
  private noteBreak(settings: ProviderSettings, model: string, failure: CallFailure): Promise<void> {
    return this.note(settings.name, model, async () => {
      const { kind } = await this.follow(settings, model, failure);
      if (kind !== 'give-up') await this.records.failed(settings.name, failure);
    });
  }

  /** The caller has its answer, or what there was of it: what cannot be written down is told to the log. */
  private async note(provider: ProviderName, model: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.options.logger.warn({ err: error, provider, model }, 'The use of a model was not written down.');
    }
  }
}

/** A registered provider as it stands. */
export function candidateOf(name: ProviderName, adapter: Adapter, record: ProviderRecord): Candidate {
  return {
    name,
    traits: providerTraits[name],
    absence: adapter.absence(),
    health: record.health,
    usedToday: record.requestsToday,
    usedThisMinute: record.attemptsThisMinute,
    firstAttemptAt: record.firstAttemptAt,
  };
}

/** Whether a provider has a chain of models, each with rests of its own. */
const isChain = (name: ProviderName) => name === 'openrouter';

function callOf({ messages, tools = [], maxTokens, temperature }: ChatRequest, model: string): ModelCall {
  return {
    model,
    messages,
    tools,
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
  };
}
