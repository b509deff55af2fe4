import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type Logger } from '../../platform/logging/logger.js';
import { CONTENT_TYPE } from '../../platform/metrics/metrics-text.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG, LOGGER } from '../runtime/index.js';
import { MetricsService } from './metrics.service.js';

/** A request has a short head and no body. */
const HEAD_WITHIN_MS = 5_000;
const MAX_HEADER_BYTES = 8 * 1_024;
const MAX_CONNECTIONS = 50;

/**
 * The metrics on a port of their own, without a key: for a network that only monitoring reaches. Nothing else is answered
 * there. Listens until the very end of a shutdown, so that its figures can be seen.
 */
@Injectable()
export class MetricsListener implements OnApplicationBootstrap, OnApplicationShutdown {
  private server: Server | undefined;

  constructor(
    private readonly metrics: MetricsService,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The port that it really got; undefined when it does not listen. */
  get port(): number | undefined {
    return (this.server?.address() as AddressInfo | null | undefined)?.port;
  }

  /** Throws when the port is taken. */
  async onApplicationBootstrap(): Promise<void> {
    const { host, metricsPort } = this.config.http;
    if (metricsPort === undefined) return;
    const server = createServer(
      { headersTimeout: HEAD_WITHIN_MS, requestTimeout: HEAD_WITHIN_MS, maxHeaderSize: MAX_HEADER_BYTES },
      (request, response) => void this.answer(request, response),
    );
    server.maxConnections = MAX_CONNECTIONS;
    server.listen(metricsPort, host);
    await once(server, 'listening');
    this.server = server;
    this.logger.info({ host, port: this.port }, 'Metrics are served, without a key, on a port of their own.');
  }

  async onApplicationShutdown(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  private async answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (url.split('?', 1)[0] !== '/metrics') say(response, 404, 'not found\n');
    else if (method === 'GET' || method === 'HEAD') await this.show(response);
    else say(response.setHeader('allow', 'GET, HEAD'), 405, 'only GET and HEAD\n');
  }

  private async show(response: ServerResponse): Promise<void> {
    try {
      const text = await this.metrics.show();
      say(response.setHeader('content-type', CONTENT_TYPE), 200, text);
    } catch (error) {
      this.logger.error({ err: error }, 'The metrics could not be shown.');
      say(response, 500, 'the log says why\n');
    }
  }
}

function say(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  if (!response.hasHeader('content-type')) response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.setHeader('content-length', Buffer.byteLength(text));
  response.end(text);
}
