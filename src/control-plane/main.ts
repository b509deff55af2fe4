import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import fastifyCors from '@fastify/cors';
import fastifyRateLimit from '@fastify/rate-limit';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { type FastifyInstance } from 'fastify';
import { DataSource } from 'typeorm';
import { Env } from '../platform/config/env.js';
import { connect, migrate } from '../platform/database/connect.js';
import { AllowedMethods } from '../platform/http/allowed-methods.js';
import { DtoPipe } from '../platform/http/dto.pipe.js';
import { ProblemFilter } from '../platform/http/problem.filter.js';
import { routeOf, traitsOf } from '../platform/http/route.decorator.js';
import { createServer } from '../platform/http/server.js';
import { createLogger, type Logger, nestLogger } from '../platform/logging/logger.js';
import { Problem } from '../platform/problems/problem.js';
import { apiDocument } from './api-document.js';
import { AppModule } from './app.module.js';
import { installAuth } from './auth/index.js';
import { type ControlPlaneConfig, controlPlaneConfig, type HttpConfig } from './config.js';

export interface ControlPlaneOptions {
  readonly config: ControlPlaneConfig;
  readonly databaseUrl: string;
  readonly logger: Logger;
}

export interface RunningControlPlane {
  /** Where it listens, with the port that it really got. */
  readonly url: string;
  readonly app: NestFastifyApplication;
  /** Stops claiming, hands back what it holds, closes everything; within 20 s. May be called twice. */
  close(): Promise<void>;
}

/** Connects, migrates, starts the loops and listens. Throws when the database is not there or the port is taken. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<RunningControlPlane> {
  const dataSource = await openDatabase(options);
  let app: NestFastifyApplication | undefined;
  try {
    app = await createControlPlane(options, dataSource);
    await app.listen({ host: options.config.http.host, port: options.config.http.port });
  } catch (error) {
    // The loops begin before the port is bound; closing the application stops them and closes the pool.
    await app?.close();
    if (dataSource.isInitialized) await dataSource.destroy();
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    url: (await app.getUrl()).replace('[::1]', 'localhost'),
    app,
    close: () => (closing ??= app.close()),
  };
}

/** Opens the pool and brings the schema up to date. */
export async function openDatabase({
  config,
  databaseUrl,
  logger,
}: ControlPlaneOptions): Promise<DataSource> {
  const dataSource = await connect({
    url: databaseUrl,
    applicationName: 'skynet-control-plane',
    poolSize: config.databasePoolSize,
    program: 'control-plane',
  });
  const { applied, unknown } = await migrate(dataSource);
  if (applied.length > 0) logger.info({ applied }, 'The schema was brought up to date.');
  if (unknown.length > 0)
    logger.warn({ unknown }, 'The database was migrated by a newer release than this one.');
  return dataSource;
}

/** The application on an open database, not yet listening. Closing it closes the database. */
export async function createControlPlane(
  { config, databaseUrl, logger }: ControlPlaneOptions,
  dataSource: DataSource,
): Promise<NestFastifyApplication> {
  const adapter = createServer(config.http);
  const server = adapter.getInstance<FastifyInstance>();
  const allowedMethods = new AllowedMethods(server);
  const replica = randomBytes(4).toString('hex');
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with({ config, logger: logger.child({ replica }), dataSource, databaseUrl, replica }),
    adapter,
    {
      logger: nestLogger(logger),
      bodyParser: false,
      abortOnError: false,
      routeConflictPolicy: { duplicate: 'error', shadow: 'off' },
    },
  );
  await installHttpRules(server, config.http);
  installAuth(server, config.auth.apiKey);
  app.useGlobalPipes(new DtoPipe());
  app.useGlobalFilters(new ProblemFilter(logger, allowedMethods));
  SwaggerModule.setup('docs', app, () => apiDocument(app), {
    jsonDocumentUrl: 'docs-json',
    yamlDocumentUrl: 'docs-yaml',
  });
  return app;
}

/**
 * The API's description without a database or a port: what `openapi.yaml` holds.
 *
 * @public used by scripts/openapi.mjs on the built program
 */
export async function describeApi(): Promise<OpenAPIObject> {
  const config = controlPlaneConfig(new Env({}));
  const logger = createLogger('openapi', 'silent');
  // Never initialised: nothing below asks it for a connection.
  const dataSource = new DataSource({ type: 'postgres' });
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with({ config, logger, dataSource, databaseUrl: '', replica: 'none' }),
    createServer(config.http),
    { logger: false, bodyParser: false, abortOnError: false, preview: true },
  );
  return apiDocument(app);
}

const MINUTE_MS = 60_000;
/** Clients that the rate limit remembers; the least recently seen one is forgotten first. */
const RATE_LIMIT_CLIENTS = 20_000;

/** CORS and the rate limit, before the key is asked for: guessing keys is limited as well. */
async function installHttpRules(server: FastifyInstance, config: HttpConfig): Promise<void> {
  const anyOrigin = config.corsOrigins.includes('*') || config.corsOrigins.length === 0;
  await server.register(fastifyCors, {
    origin: anyOrigin ? '*' : [...config.corsOrigins],
    credentials: !anyOrigin,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    exposedHeaders: ['x-request-id', 'retry-after'],
    strictPreflight: false,
  });
  if (config.rateLimitPerMinute <= 0) return;
  await server.register(fastifyRateLimit, {
    max: config.rateLimitPerMinute,
    timeWindow: MINUTE_MS,
    cache: RATE_LIMIT_CLIENTS,
    keyGenerator: ({ ip }) => clientOf(ip),
    allowList: (request) => traitsOf(request).uncounted === true || !routeOf(request).startsWith('/v1/'),
    errorResponseBuilder: (_request, { ttl }) =>
      new Problem('rate-limited', 'Rate limit exceeded', {
        retryAfterSeconds: Math.max(1, Math.ceil(ttl / 1_000)),
      }),
  });
}

/** One client: an IPv4 address, or the /64 that one IPv6 customer has all to himself. */
function clientOf(ip: string): string {
  if (!ip.includes(':') || ip.startsWith('::ffff:')) return ip;
  return ip.split(':').slice(0, 4).join(':');
}
