import { createHash, timingSafeEqual } from 'node:crypto';
import { type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { AllowedMethods } from '../../platform/http/allowed-methods.js';
import { drainOnClose } from '../../platform/http/draining.js';
import { toOpenApi31 } from '../../platform/http/openapi-31.js';
import { installRequestLog } from '../../platform/http/request-log.js';
import { routeOf } from '../../platform/http/route.decorator.js';
import { createServer } from '../../platform/http/server.js';
import { type Logger, nestLogger } from '../../platform/logging/logger.js';
import { productVersion } from '../../platform/product-version.js';
import { type ActionsService } from '../actions/actions.service.js';
import { type GatewayConfig, isLoopback } from '../gateway.config.js';
import { ErrorFilter } from './error.filter.js';
import { refusalOfForeignSite } from './foreign-site.js';
import { HttpRefusal } from './http-refusal.js';

/** What is answered without the token. */
const OPEN_ROUTES = new Set(['/livez', '/readyz']);
/** What is answered during a shutdown as well: health says so itself, and an action may be the replay of one that ran. */
const ANSWERED_WHILE_DRAINING = new Set(['', '/livez', '/readyz', '/action']);
/** A request that has not arrived whole after so long is given up; how long its answer takes does not count. */
const RECEIVE_TIMEOUT_MS = 60_000;

/** Actions have ended before the server closes: what is left are answers on their way. */
const LAST_ANSWERS_MS = 1_000;

export interface GatewayAppOptions {
  readonly config: GatewayConfig;
  readonly logger: Logger;
  readonly module: DynamicModule;
  readonly actions: ActionsService;
}

/** The HTTP side of the gateway, not yet listening. */
export async function createGatewayApp({
  config,
  logger,
  module,
  actions,
}: GatewayAppOptions): Promise<NestFastifyApplication> {
  const adapter = createServer({
    maxBodyBytes: config.maxBodyBytes,
    trustedProxies: [],
    answer: (_request, reply, { kind }) => {
      const isUnknown = kind === 'not-found';
      void reply.status(isUnknown ? 404 : 400).send({ error: isUnknown ? 'not found' : 'Bad request.' });
    },
  });
  const server = adapter.getInstance<FastifyInstance>();
  server.server.requestTimeout = RECEIVE_TIMEOUT_MS;
  const allowedMethods = new AllowedMethods(server);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: nestLogger(logger),
    bodyParser: false,
    abortOnError: false,
  });
  app.useGlobalFilters(new ErrorFilter(logger, allowedMethods));
  installRequestLog(server, logger);
  server.addHook('onRequest', (request, _reply, done) => {
    done(refusalOf(request, config, actions.isDraining) ?? undefined);
  });
  drainOnClose(server, {
    graceMs: LAST_ANSWERS_MS,
    isLeaving: () => actions.isDraining,
    // Refused above already, but for what is answered to the end.
    refusalOf: () => undefined,
  });
  const document = new DocumentBuilder()
    .setTitle('SKYNET OpenClaw gateway')
    .setDescription('Executes actions, each idempotency key once, and tells who can execute them.')
    .setVersion(productVersion)
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth()
    .addSecurityRequirements('bearer')
    .build();
  SwaggerModule.setup('docs', app, () => toOpenApi31(SwaggerModule.createDocument(app, document)));
  return app;
}

/** Why a request goes no further than its headers; null when it does. */
function refusalOf(request: FastifyRequest, config: GatewayConfig, draining: boolean): HttpRefusal | null {
  const route = routeOf(request);
  const { token } = config;
  const isOpen = route === '' || OPEN_ROUTES.has(route) || route.startsWith('/docs');
  if (!isOpen) {
    const { host, origin, authorization = '' } = request.headers;
    const foreign = refusalOfForeignSite(
      { method: request.method, host, origin },
      { trustsLoopback: token === undefined && isLoopback(config.host) },
    );
    if (foreign !== null) return new HttpRefusal(403, foreign);
    if (token !== undefined && !hasToken(authorization, token)) return new HttpRefusal(401, 'Unauthorized');
  }
  return draining && !ANSWERED_WHILE_DRAINING.has(route)
    ? new HttpRefusal(503, 'The gateway is shutting down.')
    : null;
}

function hasToken(authorization: string, token: string): boolean {
  const [, given = ''] = /^bearer +(.+)$/i.exec(authorization) ?? [];
  const hash = (value: string) => createHash('sha256').update(value).digest();
  return timingSafeEqual(hash(given), hash(token));
}
