import { type DynamicModule } from '@nestjs/common';
import { type Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { adapterOf } from './adapters/adapters.js';
import { type OllamaAction } from './adapters/executor-adapter.js';
import { providerConnections } from './adapters/http-adapter.js';
import { type ChatReply, type ChatRequest } from './domain/chat.js';
import { CompletionsService } from './http/completions.service.js';
import { ProviderRouter } from './provider-router.js';
import { ProvidersOverview } from './providers-overview.js';
import { ProvidersUsage } from './usage.service.js';
import { type ProvidersConfig } from './providers.config.js';
import { ProvidersModule } from './providers.module.js';
import { type Clock, ProviderRecords } from './records.service.js';

/** Language models for all features of the gateway. */
export interface ChatModels {
  /** Has the first provider answer that can. Rejects with a `ProvidersError`. */
  complete(request: ChatRequest): Promise<ChatReply>;
}

export interface ProvidersOptions {
  readonly config: ProvidersConfig;
  readonly database: Database;
  readonly logger: Logger;
  /** The way to an Ollama that the gateway does not reach itself. */
  readonly ollama: OllamaAction;
  readonly clock?: Clock;
}

export interface Providers {
  readonly models: ChatModels;
  /** What is used of their quotas. */
  readonly overview: ProvidersOverview;
  /** What was used on earlier days. */
  readonly usage: ProvidersUsage;
  /** The HTTP routes. */
  readonly module: DynamicModule;
  /** Waits for what is under way, at most `limitMs`, ends what is left, and closes the connections. */
  close(limitMs: number): Promise<void>;
}

/** Composes the model providers of a gateway. */
export function createProviders(options: ProvidersOptions): Providers {
  const { config, database, logger, ollama, clock = Date.now } = options;
  const connections = providerConnections();
  const known = config.providers.map((settings) => ({
    settings,
    adapter: settings.unregistered === null ? adapterOf(settings, connections, ollama) : undefined,
  }));
  const registered = known.flatMap(({ settings, adapter }) =>
    adapter === undefined ? [] : [{ settings, adapter }],
  );
  const records = new ProviderRecords(database, clock);
  const router = new ProviderRouter({ config, registered, records, clock, logger });
  const { maxRequests, stallMs } = config;
  const completions = new CompletionsService({ router, registered, logger, maxRequests, stallMs });
  const overview = new ProvidersOverview(known, records, clock);
  const usage = new ProvidersUsage(database, clock);
  return {
    models: router,
    overview,
    usage,
    module: ProvidersModule.with({ completions, overview, usage }),
    close: async (limitMs) => {
      await router.drain(limitMs);
      await connections.destroy();
    },
  };
}
