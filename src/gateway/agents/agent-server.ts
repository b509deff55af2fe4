import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo } from 'node:net';
import { type Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { CLOSE_OCCUPIED, CLOSE_UNAUTHORIZED, MAX_FRAME_BYTES } from '../../contracts/agent-socket.js';
import { type Logger } from '../../platform/logging/logger.js';
import { secretsEqual } from '../../platform/secrets/secrets-equal.js';
import { type AgentSource } from '../executors/executors.js';
import { ConfigError } from '../../platform/config/config-error.js';
import { AgentConnection } from './agent-connection.js';
import { AgentExecutor } from './agent-executor.js';
import { type AgentsConfig } from './agents.config.js';

/** Connections at once, most of which can only be strangers. */
const MAX_CONNECTIONS = 256;
/** Connections with the right token that are not the agent yet. */
const MAX_NEWCOMERS = 16;
/** How long a connection may take to ask for a WebSocket. */
const REQUEST_WITHIN_MS = 10_000;
/** A stranger is told that it is one, and says nothing that is listened to. */
const STRANGER_FRAME_BYTES = 1_024;
const CLOSE_WITHIN_MS = 1_000;

const POLICY_VIOLATION = 1008;
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;

interface Seat {
  readonly connection: AgentConnection;
  readonly executor: AgentExecutor;
}

/**
 * Where agents connect. One agent has the seat: another one is turned away as long as the first shows that it lives, and
 * takes its place when it does not. An agent that comes back while its old connection is still thought to live is known by
 * its id.
 */
export class AgentServer implements AgentSource {
  private readonly server: http.Server;
  private readonly agents = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
  });
  private readonly strangers = new WebSocketServer({
    noServer: true,
    maxPayload: STRANGER_FRAME_BYTES,
    perMessageDeflate: false,
  });
  private readonly connections = new Set<AgentConnection>();
  private seat: Seat | undefined;
  private stopped = false;

  constructor(
    private readonly config: AgentsConfig,
    private readonly logger: Logger,
  ) {
    this.server = createServer(config);
    this.server.maxConnections = MAX_CONNECTIONS;
    this.server.on('upgrade', (request, socket, head) => this.receive(request, socket, head));
  }

  /** Throws a {@link ConfigError} when it cannot listen there. */
  async listen(): Promise<void> {
    const { host, port } = this.config;
    try {
      this.server.listen(port, host);
      await once(this.server, 'listening');
    } catch (error) {
      throw new ConfigError(
        `Agents cannot connect at ${host}:${port}: ${(error as Error).message}. ` +
          'Choose another place with SKYNET_WS_HOST and SKYNET_WS_PORT.',
      );
    }
  }

  get url(): string {
    const { address, port } = this.server.address() as AddressInfo;
    const host = address.includes(':') ? `[${address}]` : address;
    return `${this.config.tls === undefined ? 'ws' : 'wss'}://${host}:${port}`;
  }

  get connected(): AgentExecutor | undefined {
    return this.seat?.executor.isReady() === true ? this.seat.executor : undefined;
  }

  heedStop(stopped: boolean): void {
    if (stopped === this.stopped) return;
    this.stopped = stopped;
    if (this.seat !== undefined) this.tellStop(this.seat.connection);
  }

  async close(): Promise<void> {
    for (const connection of this.connections) connection.close(GOING_AWAY, 'The gateway is shutting down.');
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    for (const stranger of this.strangers.clients) stranger.terminate();
    await closed;
  }

  private receive(request: http.IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', (error) => this.logger.debug({ err: error }, 'A connection failed.'));
    const [, given = ''] = /^bearer +(\S.*)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (!secretsEqual(given, this.config.token)) {
      this.strangers.handleUpgrade(request, socket, head, (stranger) => this.turnAway(stranger, request));
      return;
    }
    this.agents.handleUpgrade(request, socket, head, (agent) => {
      const { pingEveryMs, pongWithinMs } = this.config;
      const connection = new AgentConnection(agent, { logger: this.logger, pingEveryMs, pongWithinMs });
      this.connections.add(connection);
      connection.onEnd(() => this.connections.delete(connection));
      void this.admit(connection);
    });
  }

  private turnAway(stranger: WebSocket, { socket }: http.IncomingMessage): void {
    this.logger.warn({ address: socket.remoteAddress }, 'An agent showed a wrong token.');
    stranger.on('error', () => undefined);
    stranger.close(CLOSE_UNAUTHORIZED.code, CLOSE_UNAUTHORIZED.reason);
    const impatience = setTimeout(() => stranger.terminate(), CLOSE_WITHIN_MS);
    stranger.once('close', () => clearTimeout(impatience));
  }

  /** Gives the seat to a newcomer, or turns it away. */
  private async admit(newcomer: AgentConnection): Promise<void> {
    if (this.connections.size > MAX_NEWCOMERS) {
      newcomer.close(TRY_AGAIN_LATER, 'Too many agents at once');
      return;
    }
    const greeted = newcomer.greeted(this.config.helloWithinMs);
    while (newcomer.isOpen()) {
      const holder = this.seat;
      if (holder !== undefined) {
        if (!(await this.isVacant(holder, greeted))) {
          newcomer.close(CLOSE_OCCUPIED.code, CLOSE_OCCUPIED.reason);
          return;
        }
        this.vacate(holder);
        continue;
      }
      const hello = await greeted;
      if (hello === undefined) {
        newcomer.close(POLICY_VIOLATION, 'No agent_hello came');
        return;
      }
      if (this.isFree && newcomer.isOpen()) {
        this.take({ connection: newcomer, executor: new AgentExecutor(newcomer, hello) });
        return;
      }
    }
  }

  /** Asked anew each time: somebody may have come while a greeting was waited for. */
  private get isFree(): boolean {
    return this.seat === undefined;
  }

  /** Whether the holder shows no life, or has come back as the newcomer. */
  private async isVacant(
    { connection }: Seat,
    greeted: Promise<{ readonly agent_id?: string } | undefined>,
  ): Promise<boolean> {
    const isDead = connection.isAlive(this.config.rivalPongWithinMs).then((alive) => !alive);
    const isSame = new Promise<boolean>((resolve) => {
      void greeted.then((hello) => {
        if (hello?.agent_id !== undefined && hello.agent_id === connection.hello?.agent_id) resolve(true);
      });
    });
    return Promise.race([isDead, isSame]);
  }

  private take(seat: Seat): void {
    const { connection, executor } = seat;
    this.seat = seat;
    connection.onEnd(() => {
      if (this.seat === seat) this.seat = undefined;
      this.logger.info({ agent: executor.id, session: connection.id }, 'The agent is gone.');
    });
    // Before any action: one that comes back may have missed what was ordered meanwhile.
    this.tellStop(connection);
    this.logger.info({ agent: executor.id, session: connection.id }, 'An agent has connected.');
  }

  private vacate(seat: Seat): void {
    if (this.seat === seat) this.seat = undefined;
    seat.connection.terminate();
  }

  private tellStop(connection: AgentConnection): void {
    connection.send({ type: this.stopped ? 'emergency_stop' : 'resume' });
  }
}

function createServer({ tls }: AgentsConfig): http.Server {
  const limits = {
    requestTimeout: REQUEST_WITHIN_MS,
    headersTimeout: REQUEST_WITHIN_MS,
    keepAliveTimeout: 1,
  };
  const answer: http.RequestListener = (_request, response) => {
    response
      .writeHead(426, { connection: 'close', upgrade: 'websocket' })
      .end('Agents connect by WebSocket.\n');
  };
  try {
    return tls === undefined
      ? http.createServer(limits, answer)
      : https.createServer({ ...limits, ...tls }, answer);
  } catch (error) {
    throw new ConfigError(`SKYNET_TLS_CERT and SKYNET_TLS_KEY cannot be used: ${(error as Error).message}`);
  }
}
