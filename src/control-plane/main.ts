import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { type FastifyInstance } from 'fastify';
import { DataSource } from 'typeorm';
import { Env } from '../platform/config/env.js';
import { connect, migrate, type MigrationReport } from '../platform/database/connect.js';
import { AllowedMethods } from '../platform/http/allowed-methods.js';
import { installCors } from '../platform/http/cors.js';
import { drainOnClose } from '../platform/http/draining.js';
import { DtoPipe } from '../platform/http/dto.pipe.js';
import { ProblemFilter } from '../platform/http/problem.filter.js';
import { installRequestLog } from '../platform/http/request-log.js';
import { installTracing } from '../platform/http/request-tracing.js';
import { sendProblem } from '../platform/http/send-problem.js';
import { createServer } from '../platform/http/server.js';
import { createLogger, type Logger, nestLogger } from '../platform/logging/logger.js';
import { openTracer } from '../platform/tracing/open-tracer.js';
import { noTracer } from '../platform/tracing/tracer.js';
import { apiDocument } from './api-document.js';
import { ApiKeyAccess, installApiKeys } from './api-keys/index.js';
import { AppModule } from './app.module.js';
import { Standbys, StandbysInterceptor } from './cluster/index.js';
import {
  installAuth,
  installOperatorAuth,
  installSkyclawAuth,
  installSkyclawEnvelope,
  isPublicSkyclaw,
  isSkyclaw,
} from './auth/index.js';
import { type ControlPlaneConfig, controlPlaneConfig } from './config.js';
import { installReplayHeader } from './idempotency/index.js';
import { ClientRates, installRateLimit } from './rate-limits/index.js';
import { installPublicAccess, installPublicCors, PublicAccess } from './public-api/index.js';

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
    applicationName: `skynet/${config.skyclaw.nodeId}`,
    poolSize: config.databasePoolSize,
    program: 'control-plane',
    waitsForStandbys: config.cluster.requiredStandbys > 0,
  });
  const { applied, unknown } = await migrated(dataSource);
  if (applied.length > 0) logger.info({ applied }, 'The schema was brought up to date.');
  if (unknown.length > 0)
    logger.warn({ unknown }, 'The database was migrated by a newer release than this one.');
  return dataSource;
}

/** A pool that nobody gets to see would keep the process from ending. */
async function migrated(dataSource: DataSource): Promise<MigrationReport> {
  try {
    return await migrate(dataSource);
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
}

/** The application on an open database, not yet listening. Closing it closes the database. */
export async function createControlPlane(
  { config, databaseUrl, logger: root }: ControlPlaneOptions,
  dataSource: DataSource,
): Promise<NestFastifyApplication> {
  const adapter = createServer({ ...config.http, answer: sendProblem });
  const server = adapter.getInstance<FastifyInstance>();
  const allowedMethods = new AllowedMethods(server);
  const replica = randomBytes(4).toString('hex');
  const logger = root.child({ replica });
  const tracer = await openTracer(config.tracing, { program: 'control-plane', instance: replica }, logger);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with({ config, logger, dataSource, databaseUrl, replica, tracer }),
    adapter,
    {
      logger: nestLogger(logger),
      bodyParser: false,
      abortOnError: false,
      routeConflictPolicy: { duplicate: 'error', shadow: 'off' },
    },
  );
  // In the order in which they see a request.
  installTracing(server, tracer);
  installRequestLog(server, logger);
  installPublicCors(server, config.publicApi);
  await installCors(server, config.http.corsOrigins, isPublicSkyclaw);
  installSkyclawEnvelope(server);
  drainOnClose(server);
  if (config.http.rateLimitPerMinute > 0) {
    installRateLimit(server, app.get(ClientRates, { strict: false }), isSkyclaw);
  }
  installApiKeys(server, app.get(ApiKeyAccess, { strict: false }));
  installAuth(server, config.auth.apiKey);
  installSkyclawAuth(server, config.auth.skyclaw);
  installOperatorAuth(server, { ...config.auth, hostAuth: config.skyclaw.hostAuth });
  installPublicAccess(server, app.get(PublicAccess, { strict: false }));
  installReplayHeader(server);
  if (config.cluster.requiredStandbys > 0) {
    app.useGlobalInterceptors(new StandbysInterceptor(app.get(Standbys, { strict: false })));
  }
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
    AppModule.with({ config, logger, dataSource, databaseUrl: '', replica: 'none', tracer: noTracer }),
    createServer({ ...config.http, answer: sendProblem }),
    { logger: false, bodyParser: false, abortOnError: false, preview: true },
  );
  return apiDocument(app);
}
