import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { type Socket } from 'node:net';
import { guardedLookup } from '../../platform/addresses/guarded-lookup.js';
import { isOutage } from '../domain/health.js';
import { responseHeaders } from '../domain/response-headers.js';
import { type Endpoint } from '../services/endpoint.js';
import { type Admitted } from './admission.js';
import { answerErrorOn } from './error-answer.js';
import { failureOf } from './failure.js';

export interface TunnelOptions {
  readonly maxWebSockets: number;
  readonly retryAttempts: number;
  readonly cooldownMs: number;
  /** For the answer to the handshake; an open WebSocket may be silent for as long as its ends like. */
  readonly timeoutMs: number;
  readonly maxHeaderBytes: number;
}

/** Silence after which TCP asks whether the other end still lives. */
const KEEP_ALIVE_MS = 30_000;

/** WebSockets: once an endpoint has agreed, bytes go both ways as they come, until one side ends. */
export class Tunnels {
  private readonly sockets = new Set<Socket>();

  constructor(private readonly options: TunnelOptions) {}

  get size(): number {
    return this.sockets.size;
  }

  /** Opens a tunnel to an endpoint, or answers why not. */
  open(request: IncomingMessage, socket: Socket, head: Buffer, admitted: Admitted): void {
    if (this.sockets.size >= this.options.maxWebSockets) {
      answerErrorOn(socket, 503, 'too many WebSockets are open; try again later');
      return;
    }
    if (request.method !== 'GET') {
      answerErrorOn(socket, 400, 'a WebSocket begins with GET');
      return;
    }
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    admitted.service.budget.request(performance.now());
    new Handshake(this.options, request, socket, head, admitted).try();
  }

  /** Ends all of them. */
  end(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

class Handshake {
  private triesLeft: number;
  private readonly tried: Endpoint[] = [];
  private upstream: ClientRequest | undefined;

  constructor(
    private readonly options: TunnelOptions,
    private readonly request: IncomingMessage,
    private readonly socket: Socket,
    private readonly head: Buffer,
    private readonly admitted: Admitted,
  ) {
    this.triesLeft = options.retryAttempts;
    socket.once('close', () => this.upstream?.destroy());
  }

  try(): void {
    const { service, target } = this.admitted;
    if (this.socket.destroyed) return;
    const endpoint = service.choose(performance.now(), this.tried);
    if (endpoint === undefined)
      return this.refuse(503, `no healthy endpoints for service ${this.admitted.target.key}`);
    this.tried.push(endpoint);
    const url = new URL(endpoint.address.origin);
    const upstream = (url.protocol === 'https:' ? https : http).request({
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: endpoint.address.basePath + target.path,
      headers: [
        ...[
          'Host',
          url.host,
          'Connection',
          'Upgrade',
          'Upgrade',
          this.request.headers.upgrade ?? 'websocket',
        ],
        ...this.admitted.headers,
      ],
      agent: false,
      lookup: guardedLookup,
      timeout: this.options.timeoutMs,
      maxHeaderSize: this.options.maxHeaderBytes,
    });
    this.upstream = upstream;
    // What an endpoint says late, that another has been asked instead of, is of no interest.
    const isCurrent = () => this.upstream === upstream;
    upstream.on('timeout', () => {
      if (isCurrent()) this.refuse(504, `service ${target.key} did not answer in time`);
    });
    upstream.on('error', (error) => {
      if (isCurrent()) this.onError(endpoint, error);
    });
    upstream.on('response', (answer) => {
      if (isCurrent()) this.onRefusal(endpoint, answer);
    });
    upstream.on('upgrade', (answer, far, farHead) => this.join(endpoint, answer, far, farHead));
    upstream.end();
  }

  private onError(endpoint: Endpoint, error: Error): void {
    if (this.socket.destroyed || this.socket.writableEnded) return;
    const { kind, reason } = failureOf(error);
    if (kind === 'connection' && this.ejectAndMayRetry(endpoint)) return this.try();
    this.refuse(502, `an endpoint of service ${this.admitted.target.key} does not answer (${reason})`);
  }

  /** An answer that is no agreement goes to the caller as it is. */
  private onRefusal(endpoint: Endpoint, answer: IncomingMessage): void {
    const status = answer.statusCode ?? 502;
    if (isOutage(status) && this.ejectAndMayRetry(endpoint)) {
      answer.resume();
      return this.try();
    }
    this.count(status);
    this.socket.write(
      headText(answer, [...responseHeaders(answer.rawHeaders), 'Connection', 'close']),
      'latin1',
    );
    answer.on('error', () => this.socket.destroy());
    answer.pipe(this.socket);
  }

  private join(endpoint: Endpoint, answer: IncomingMessage, far: Socket, farHead: Buffer): void {
    const near = this.socket;
    far.on('error', () => near.destroy());
    if (near.destroyed) return void far.destroy();
    this.upstream = undefined;
    endpoint.hold(far);
    this.count(101);
    for (const end of [near, far]) {
      end.setTimeout(0);
      end.setNoDelay(true);
      end.setKeepAlive(true, KEEP_ALIVE_MS);
    }
    near.write(
      headText(answer, [
        ...['Connection', 'Upgrade', 'Upgrade', answer.headers.upgrade ?? 'websocket'],
        ...responseHeaders(answer.rawHeaders),
      ]),
      'latin1',
    );
    if (farHead.length > 0) near.write(farHead);
    if (this.head.length > 0) far.write(this.head);
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroySoon());
    near.pipe(far);
    far.pipe(near);
  }

  private ejectAndMayRetry(endpoint: Endpoint): boolean {
    const { figures, budget } = this.admitted.service;
    const nowMs = performance.now();
    if (endpoint.health.fail(nowMs, this.options.cooldownMs)) figures.ejections++;
    if (this.triesLeft === 0) return false;
    this.triesLeft--;
    const isAllowed = budget.takeRetry(nowMs);
    if (isAllowed) figures.retries++;
    else figures.retriesRefused++;
    return isAllowed;
  }

  private refuse(status: number, text: string): void {
    if (this.socket.destroyed || this.socket.writableEnded) return;
    this.count(status);
    answerErrorOn(this.socket, status, text);
    this.upstream?.destroy();
  }

  private count(status: number): void {
    this.admitted.service.figures.count(status);
  }
}

/** A status line and headers, as they go over the wire. */
function headText(
  { statusCode = 502, statusMessage = '' }: IncomingMessage,
  headers: readonly string[],
): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    lines.push(`${String(headers[index])}: ${String(headers[index + 1])}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}
