import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';
import { type Duplex } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { CONTENT_TYPE } from '../../platform/metrics/metrics-text.js';
import { originForm } from '../domain/target.js';
import { type ServiceTable } from '../services/service-table.js';
import { accessOf } from './access.js';
import { admit, type AdmissionOptions, UNAUTHORIZED } from './admission.js';
import { answerError, answerErrorOn, answerJson, answerText, readOnAfter } from './error-answer.js';
import { Exchange, type ExchangeOptions } from './exchange.js';
import { IdleClock } from './idle-clock.js';
import { ProxiedRequest } from './proxied-request.js';
import { type Tunnels } from './tunnels.js';

export interface GatewayServerOptions extends AdmissionOptions {
  readonly table: ServiceTable;
  readonly tunnels: Tunnels;
  readonly retryAttempts: number;
  readonly cooldownMs: number;
  readonly timeoutMs: number;
  readonly maxHeaderBytes: number;
  /** The text of `GET /metrics`. */
  readonly metrics: () => Promise<string>;
}

/** A request line may be half as long as a whole head; what is longer hears 414. */
const TARGET_SHARE = 0.5;
/** For the whole head. Bodies have no limit but that of idleness, which the exchange keeps. */
const HEADERS_WITHIN_MS = 20_000;
const KEEP_IDLE_MS = 65_000;
const LOOK_FOR_SLOW_HEADS_MS = 5_000;
const LOOK_FOR_ENDS_MS = 20;

/** The HTTP server: says which services there are, and passes the rest on to them. */
export class GatewayServer {
  private readonly clock: IdleClock<Exchange>;
  private readonly exchanges: ExchangeOptions;
  private readonly server: http.Server;
  private isClosing = false;
  /** Requests that no service has seen, by the status that they were refused with. */
  readonly refusals = new Map<number, number>();

  constructor(private readonly options: GatewayServerOptions) {
    const { timeoutMs, retryAttempts, cooldownMs, maxHeaderBytes } = options;
    this.clock = new IdleClock(timeoutMs);
    this.exchanges = {
      retryAttempts,
      cooldownMs,
      timeoutMs,
      clock: this.clock,
      isClosing: () => this.isClosing,
    };
    this.server = http.createServer({
      IncomingMessage: ProxiedRequest,
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: HEADERS_WITHIN_MS,
      requestTimeout: 0,
      keepAliveTimeout: KEEP_IDLE_MS,
      connectionsCheckingInterval: LOOK_FOR_SLOW_HEADS_MS,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_IDLE_MS,
      noDelay: true,
    });
    // Their size is bounded; a bound on their number would drop some without a word.
    this.server.maxHeadersCount = 0;
    this.server.on('request', (request, response) => this.handle(request, response));
    this.server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
    this.server.on('connect', (_request, socket: Duplex) => this.refuseOn(socket, 404, 'not found'));
    this.server.on('clientError', (error, socket) => this.refuseGarbage(error, socket));
  }

  /** Requests that are under way. */
  get inFlight(): number {
    return this.clock.size;
  }

  /** Listens and returns the port. Throws when the address is taken. */
  async listen(host: string, port: number): Promise<AddressInfo> {
    this.server.listen(port, host);
    await once(this.server, 'listening');
    return this.server.address() as AddressInfo;
  }

  /** Takes no new connections, lets requests that are under way end for `patienceMs`, then cuts, WebSockets last. */
  async close(patienceMs: number): Promise<void> {
    this.isClosing = true;
    const closed = once(this.server, 'close');
    this.server.close();
    const endAtMs = performance.now() + patienceMs;
    while (this.clock.size > 0 && performance.now() < endAtMs) {
      this.server.closeIdleConnections();
      await wait(LOOK_FOR_ENDS_MS);
    }
    for (const exchange of this.clock.all) exchange.cut();
    this.options.tunnels.end();
    this.server.closeAllConnections();
    await closed;
    this.clock.stop();
  }

  private handle(request: IncomingMessage, response: ServerResponse): void {
    if ((request.url ?? '').length > this.options.maxHeaderBytes * TARGET_SHARE) {
      return this.refuse(request, response, 414, 'the request target is too long');
    }
    const admitted = admit(request, this.options);
    if (admitted === undefined) return this.answer(request, response);
    if ('status' in admitted) return this.refuse(request, response, admitted.status, admitted.text);
    const { service, target, headers } = admitted;
    new Exchange(this.exchanges, service, target.key, target.path, headers, request, response).begin();
  }

  /** What the gateway says for itself. */
  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { table, token, metrics } = this.options;
    const [path] = originForm(request.url ?? '').split('?', 1);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead && path === '/health') return answerJson(response, 200, { ok: true, services: table.keys });
    if (!isRead || path !== '/metrics') return this.refuse(request, response, 404, 'not found');
    if (accessOf(request.headers, token) === 'refused') {
      return this.refuse(request, response, UNAUTHORIZED.status, UNAUTHORIZED.text);
    }
    void metrics().then(
      (text) => answerText(response, 200, CONTENT_TYPE, text),
      () => answerError(response, 500, 'the metrics could not be read'),
    );
  }

  private refuse(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
    this.countRefusal(status);
    readOnAfter(request, response);
    answerError(response, status, text);
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    if ((request.url ?? '').length > this.options.maxHeaderBytes * TARGET_SHARE) {
      return this.refuseOn(socket, 414, 'the request target is too long');
    }
    if (this.isClosing) return this.refuseOn(socket, 503, 'the gateway is shutting down');
    const admitted = admit(request, this.options);
    if (admitted === undefined) return this.refuseOn(socket, 404, 'not found');
    if ('status' in admitted) return this.refuseOn(socket, admitted.status, admitted.text);
    this.options.tunnels.open(request, socket as Socket, head, admitted);
  }

  /** What is no HTTP, too large or too slow. Nothing is written into an answer that has begun. */
  private refuseGarbage(error: NodeJS.ErrnoException, socket: Duplex): void {
    const current = this.clock.all.find(({ request }) => request.socket === socket);
    if (!socket.writable || error.code === 'ECONNRESET' || current?.response.headersSent === true) {
      socket.destroy();
      return;
    }
    if (error.code === 'HPE_HEADER_OVERFLOW') this.refuseOn(socket, 431, 'the request head is too large');
    else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
      this.refuseOn(socket, 408, 'the request head did not come in time');
    else this.refuseOn(socket, 400, 'not a valid HTTP request');
  }

  private refuseOn(socket: Duplex, status: number, text: string): void {
    this.countRefusal(status);
    answerErrorOn(socket, status, text);
    socket.once('finish', () => socket.destroy());
  }

  private countRefusal(status: number): void {
    this.refusals.set(status, (this.refusals.get(status) ?? 0) + 1);
  }
}
