import { type Providers, type ProvidersOptions } from '../../src/gateway/providers/providers.js';
import { type ChatModels, createProviders, providersConfig } from '../../src/gateway/providers/index.js';
import { type ProviderName, providerNames } from '../../src/gateway/providers/domain/catalogue.js';
import { type ProvidersConfig } from '../../src/gateway/providers/index.js';
import { Env } from '../../src/platform/config/env.js';
import { connect, databaseOf, migrate } from '../../src/platform/database/connect.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ProviderStub } from './provider-stub.js';

/** Noon of a day: far from both of its ends. */
const NOON = Date.UTC(2026, 0, 15, 12);

export interface ProvidersStart {
  readonly providers?: readonly ProviderName[];
  readonly env?: Record<string, string>;
  readonly config?: Partial<ProvidersConfig>;
  readonly ollama?: ProvidersOptions['ollama'];
}

/** The providers of gateways on one database, a stub of each, and a clock that the test moves. */
export class ProvidersFixture {
  now = NOON;
  private readonly closers: (() => Promise<unknown>)[] = [];

  private constructor(
    readonly stub: ProviderStub,
    private readonly database: TestDatabase,
  ) {}

  static async create(): Promise<ProvidersFixture> {
    return new ProvidersFixture(await ProviderStub.start(), await createTestDatabase());
  }

  /** What one gateway has of them: several share the database. */
  async start(options: ProvidersStart = {}): Promise<ChatModels & Providers> {
    const { providers = providerNames, env = {}, config = {}, ollama } = options;
    const dataSource = await connect({
      url: this.database.url,
      applicationName: 'test',
      poolSize: 10,
      program: 'gateway',
    });
    await migrate(dataSource);
    const made = createProviders({
      config: { ...providersConfig(new Env({ ...this.stub.env(...providers), ...env })), ...config },
      database: databaseOf(dataSource),
      logger: createLogger('test', 'silent'),
      ollama: ollama ?? {
        isAvailable: () => false,
        run: () => Promise.reject(new Error('Nobody is there.')),
      },
      clock: () => this.now,
    });
    let closing: Promise<void> | undefined;
    const close = async (limitMs: number) => {
      await made.close(limitMs);
      await dataSource.destroy();
    };
    const closeOnce = (limitMs: number) => (closing ??= close(limitMs));
    this.closers.push(() => closeOnce(0));
    return { ...made, complete: (request) => made.models.complete(request), close: closeOnce };
  }

  pass(ms: number): void {
    this.now += ms;
  }

  async close(): Promise<void> {
    await Promise.all(this.closers.map((close) => close()));
    await this.stub.close();
    await this.database.drop();
  }
}

export const hello = { messages: [{ role: 'user', content: 'Hello.' }] } as const;

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
