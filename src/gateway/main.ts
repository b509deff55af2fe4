import 'reflect-metadata';
import { createHash, timingSafeEqual } from 'node:crypto';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { type FastifyInstance } from 'fastify';
import { connect, databaseOf, migrate } from '../platform/database/connect.js';
import { Database } from '../platform/database/database.js';
import { AllowedMethods } from '../platform/http/allowed-methods.js';
import { toOpenApi31 } from '../platform/http/openapi-31.js';
import { routeOf } from '../platform/http/route.decorator.js';
import { createServer } from '../platform/http/server.js';
import { Loop } from '../platform/loops/loop.js';
import { type Logger, nestLogger } from '../platform/logging/logger.js';
import { productVersion } from '../platform/product-version.js';
import { prune } from './actions/actions.queries.js';
import { ActionsService } from './actions/actions.service.js';
import { type Executor } from './executors/executor.js';
import { LocalExecutor } from './executors/local/local-executor.js';
import { type GatewayConfig } from './gateway.config.js';
import { ErrorFilter, Unauthorized } from './http/error.filter.js';
import { GatewayController } from './http/gateway.controller.js';
import { EXECUTORS } from './tokens.js';

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly databaseUrl: string;
  readonly logger: Logger;
  /** What local actions may see of the environment; they get a small part of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface RunningGateway {
  readonly url: string;
  /** Refuses new actions, waits for running ones, kills what is left, and closes. May be called twice. */
  close(): Promise<void>;
}

const ALIVE_EVERY_MS = 3_000;
const PRUNE_EVERY_MS = 3_600_000;
const PRUNE_BATCH = 500;

/** Connects, migrates and listens. Throws when the database is not there or the port is taken. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { config, databaseUrl, logger, env } = options;
  const dataSource = await connect({
    url: databaseUrl,
    applicationName: 'skynet-gateway',
    poolSize: config.databasePoolSize,
    program: 'gateway',
  });
  try {
    await migrate(dataSource);
    const database = databaseOf(dataSource);
    const executors: readonly Executor[] = [new LocalExecutor(config.allowedRoots, env)];
    const actions = new ActionsService(database, executors, logger);
    const app = await createApp(options, GatewayModule.with(database, actions, executors));
    const loops = [new AliveLoop(actions, logger), new PruneLoop(database, logger)];
    await app.listen({ host: config.host, port: config.port });
    for (const loop of loops) loop.start();
    let closing: Promise<void> | undefined;
    const close = async () => {
      draining.add(app);
      await actions.drain(config.patienceMs);
      for (const loop of loops) await loop.stop();
      await app.close();
      await dataSource.destroy();
    };
    return { url: (await app.getUrl()).replace('[::1]', 'localhost'), close: () => (closing ??= close()) };
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
}

/** What is answered without the token. */
const OPEN_ROUTES = new Set(['/livez', '/readyz']);

/** Applications that answer 503 to whatever is new. */
const draining = new WeakSet<NestFastifyApplication>();

async function createApp(
  { config, logger }: GatewayOptions,
  module: DynamicModule,
): Promise<NestFastifyApplication> {
  const adapter = createServer({ maxBodyBytes: config.maxBodyBytes, trustedProxies: [] });
  const server = adapter.getInstance<FastifyInstance>();
  const allowedMethods = new AllowedMethods(server);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: nestLogger(logger),
    bodyParser: false,
    abortOnError: false,
  });
  app.useGlobalFilters(new ErrorFilter(logger, allowedMethods));
  server.addHook('onRequest', (request, _reply, done) => {
    const route = routeOf(request);
    const open = route === '' || OPEN_ROUTES.has(route) || route.startsWith('/docs');
    if (config.token !== undefined && !open && !hasToken(request.headers.authorization ?? '', config.token)) {
      return done(new Unauthorized());
    }
    if (draining.has(app) && request.method === 'POST') {
      return done(Object.assign(new Error('draining'), { statusCode: 503 }));
    }
    done();
  });
  const document = new DocumentBuilder()
    .setTitle('SKYNET OpenClaw gateway')
    .setVersion(productVersion)
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth()
    .addSecurityRequirements('bearer')
    .build();
  SwaggerModule.setup('docs', app, () => toOpenApi31(SwaggerModule.createDocument(app, document)));
  return app;
}

function hasToken(authorization: string, token: string): boolean {
  const [, given = ''] = /^bearer +(.+)$/i.exec(authorization) ?? [];
  const hash = (value: string) => createHash('sha256').update(value).digest();
  return timingSafeEqual(hash(given), hash(token));
}

@Module({})
class GatewayModule {
  static with(database: Database, actions: ActionsService, executors: readonly Executor[]): DynamicModule {
    return {
      module: GatewayModule,
      controllers: [GatewayController],
      providers: [
        { provide: Database, useValue: database },
        { provide: ActionsService, useValue: actions },
        { provide: EXECUTORS, useValue: executors },
      ],
    };
  }
}

const everyInterval = (_name: string, intervalMs: number, tick: () => void) => {
  const timer = setInterval(tick, intervalMs);
  return () => clearInterval(timer);
};

/** Says that this process lives, for what it is running. */
class AliveLoop extends Loop {
  constructor(
    private readonly actions: ActionsService,
    logger: Logger,
  ) {
    super({ name: 'alive', intervalMs: ALIVE_EVERY_MS, logger }, everyInterval);
  }

  protected runOnce(): Promise<void> {
    return this.actions.stayAlive();
  }
}

/** Forgets old executions. */
class PruneLoop extends Loop {
  constructor(
    private readonly database: Database,
    logger: Logger,
  ) {
    super({ name: 'prune', intervalMs: PRUNE_EVERY_MS, logger }, everyInterval);
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await prune(this.database, PRUNE_BATCH)) > 0);
  }
}
