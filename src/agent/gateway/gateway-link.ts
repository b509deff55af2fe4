import { setTimeout as wait } from 'node:timers/promises';
import { type RawData, WebSocket } from 'ws';
import {
  type ActionRequestFrame,
  type ActionResponseFrame,
  type AgentFrame,
  type AgentHello,
  CLOSE_OCCUPIED,
  CLOSE_UNAUTHORIZED,
  MAX_FRAME_BYTES,
  PING_EVERY_MS,
  PONG_WITHIN_MS,
} from '../../contracts/agent-socket.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type AgentConfig } from '../agent.config.js';
import { backoffAfter } from './domain/backoff.js';
import { parseGatewayFrame } from './domain/gateway-frame.js';

const CONNECT_WITHIN_MS = 10_000;
/** A gateway pings; one that is silent for longer is gone. */
const SILENCE_MS = PING_EVERY_MS + PONG_WITHIN_MS + 5_000;
/** What may wait for a gateway that reads slowly. Beyond it the connection is given up. */
const MAX_UNREAD_BYTES = 2 * MAX_FRAME_BYTES;
const CLOSE_WITHIN_MS = 1_000;
/** What was decided on before the end is noted in the audit log, and sent. */
const LAST_ANSWERS_MS = 1_000;
const GOING_AWAY = 1001;

/** What a gateway may ask of an agent. */
export interface Orders {
  handle(request: ActionRequestFrame): Promise<ActionResponseFrame>;
  stop(): void;
  resume(): void;
}

export interface GatewayLinkOptions {
  readonly config: AgentConfig;
  readonly hello: AgentHello;
  readonly orders: Orders;
  readonly logger: Logger;
  /** A line for the operator. */
  readonly say: (line: string) => void;
}

/**
 * The connection to the gateway, made again whenever it breaks. Each frame is taken as it comes, so what controls the agent
 * is heard while actions run; an answer goes to the connection that asked, and is left to the agent's memory when that has
 * ended.
 */
export class GatewayLink {
  private socket: WebSocket | undefined;
  private duePauseMs: number;
  private pause: NodeJS.Timeout | undefined;
  private closed = false;
  /** Requests that have no answer yet. */
  private readonly open = new Set<Promise<void>>();

  constructor(private readonly options: GatewayLinkOptions) {
    this.duePauseMs = options.config.reconnectMs;
  }

  start(): void {
    this.connect();
  }

  /** Sends the answers that are ready any moment now, and ends the connection for good. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.pause);
    const { socket } = this;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    const patience = new AbortController();
    const late = wait(LAST_ANSWERS_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([Promise.all(this.open), late]);
    patience.abort();
    await new Promise<void>((resolve) => {
      const impatience = setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS);
      socket.once('close', () => {
        clearTimeout(impatience);
        resolve();
      });
      socket.close(GOING_AWAY, 'The agent is shutting down.');
    });
  }

  private connect(): void {
    const { config, hello, logger, say } = this.options;
    const { ca, insecure } = config.tls;
    const socket = new WebSocket(config.gatewayUrl, {
      headers: { authorization: `Bearer ${config.token}` },
      handshakeTimeout: CONNECT_WITHIN_MS,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      rejectUnauthorized: !insecure,
      ...(ca === undefined ? {} : { ca }),
    });
    this.socket = socket;
    let openedAt: number | undefined;
    let seated = false;
    const silence = setTimeout(() => {
      logger.warn('The gateway is silent; connecting again.');
      socket.terminate();
    }, SILENCE_MS);
    const heard = () => silence.refresh();
    socket.on('open', () => {
      openedAt = performance.now();
      heard();
      this.send(socket, hello);
    });
    socket.on('ping', heard);
    socket.on('message', (data, isBinary) => {
      heard();
      if (!seated) say(`Connected to ${config.gatewayUrl}`);
      seated = true;
      this.take(socket, data, isBinary);
    });
    socket.on('error', (error) =>
      logger.warn({ reason: error.message }, 'The connection to the gateway failed.'),
    );
    socket.once('close', (code, reason) => {
      clearTimeout(silence);
      this.tell(code, reason.toString());
      this.again(seated && openedAt !== undefined ? performance.now() - openedAt : 0);
    });
  }

  private again(lastedMs: number): void {
    if (this.closed) return;
    const { pauseMs, nextPauseMs } = backoffAfter(lastedMs, this.duePauseMs, this.options.config.reconnectMs);
    this.duePauseMs = nextPauseMs;
    this.options.logger.info({ seconds: pauseMs / 1_000 }, 'Connecting again after a pause.');
    this.pause = setTimeout(() => this.connect(), pauseMs);
  }

  private tell(code: number, reason: string): void {
    const { logger } = this.options;
    switch (code) {
      case CLOSE_UNAUTHORIZED.code:
        logger.error('The gateway refuses the token. SKYNET_AUTH_TOKEN must be the same here and there.');
        return;
      case CLOSE_OCCUPIED.code:
        logger.warn('Another agent is connected to this gateway; it takes one.');
        return;
      default:
        logger.info({ code, reason }, 'The connection to the gateway has ended.');
    }
  }

  private take(socket: WebSocket, data: RawData, isBinary: boolean): void {
    if (isBinary) return;
    // One buffer: that is the socket's default `binaryType`.
    const frame = parseGatewayFrame((data as Buffer).toString('utf8'));
    switch (frame?.type) {
      case 'action_request': {
        const answered = this.answer(socket, frame).finally(() => this.open.delete(answered));
        this.open.add(answered);
        return;
      }
      case 'emergency_stop':
        this.options.orders.stop();
        this.send(socket, { type: 'emergency_stop_ack', status: 'stopped' });
        return;
      case 'resume':
        this.options.orders.resume();
        this.send(socket, { type: 'resume_ack', status: 'resumed' });
        return;
      case 'ping':
        this.send(socket, { type: 'pong' });
        return;
      case undefined:
        return;
    }
  }

  private async answer(socket: WebSocket, request: ActionRequestFrame): Promise<void> {
    this.send(socket, await this.options.orders.handle(request));
  }

  private send(socket: WebSocket, frame: AgentFrame): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (socket.bufferedAmount > MAX_UNREAD_BYTES) {
      this.options.logger.warn('The gateway does not read what it is sent; connecting again.');
      socket.terminate();
      return;
    }
    socket.send(JSON.stringify(frame));
  }
}
