import { randomUUID } from 'node:crypto';
import { type RawData, WebSocket } from 'ws';
import {
  type ActionResponseFrame,
  type AgentHello,
  type GatewayFrame,
  MAX_FRAME_BYTES,
} from '../../contracts/agent-socket.js';
import { type Logger } from '../../platform/logging/logger.js';
import { parseAgentFrame } from './agent-frame.js';
import { type Reply } from './executor-answer.js';

/** What may wait for an agent that reads slowly. Beyond it the connection is given up. */
const MAX_UNREAD_BYTES = 2 * MAX_FRAME_BYTES;
/** How long the other side may take to close its end. */
const CLOSE_WITHIN_MS = 1_000;

export interface AgentConnectionOptions {
  readonly logger: Logger;
  readonly pingEveryMs: number;
  readonly pongWithinMs: number;
}

/**
 * The connection of one agent: frames in both directions, and whether it still lives. What it is asked is answered by the
 * agent, or by the end of the connection.
 */
export class AgentConnection {
  readonly id = randomUUID();
  readonly connectedAt = new Date();
  private lastHeard = new Date();
  private greeting: AgentHello | undefined;
  private readonly pending = new Map<string, (reply: Reply) => void>();
  /** Those who wait for a sign of life, or for the first words. */
  private readonly listeners = new Set<() => void>();
  private readonly heartbeat: NodeJS.Timeout;

  constructor(
    private readonly socket: WebSocket,
    private readonly options: AgentConnectionOptions,
  ) {
    socket.on('message', (data, isBinary) => this.take(data, isBinary));
    socket.on('pong', () => this.heard());
    socket.on('error', (error) => options.logger.debug({ err: error }, 'The connection of an agent failed.'));
    socket.once('close', () => this.ended());
    this.heartbeat = setInterval(() => void this.beat(), options.pingEveryMs);
  }

  /** Asked anew each time: it may end at any moment. */
  isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  get lastHeardAt(): Date {
    return this.lastHeard;
  }

  /** What the agent has said of itself; undefined before it has. */
  get hello(): AgentHello | undefined {
    return this.greeting;
  }

  /** Calls back once the connection has ended, or at once when it has already. */
  onEnd(callback: () => void): void {
    if (this.socket.readyState === WebSocket.CLOSED) callback();
    else this.socket.once('close', callback);
  }

  /** What the agent says of itself; undefined when it says nothing within `limitMs`. */
  async greeted(limitMs: number): Promise<AgentHello | undefined> {
    await this.until(() => this.greeting !== undefined, limitMs);
    return this.greeting;
  }

  /** Whether the agent shows within `limitMs` that it lives. */
  async isAlive(limitMs: number): Promise<boolean> {
    const before = this.lastHeard;
    if (!this.send({ type: 'ping' })) return false;
    this.socket.ping();
    await this.until(() => this.lastHeard !== before, limitMs);
    return this.isOpen() && this.lastHeard !== before;
  }

  /** Sends a frame; false when the connection has ended, or ends now because the agent does not read. */
  send(frame: GatewayFrame): boolean {
    return this.sendText(JSON.stringify(frame));
  }

  /**
   * Sends a request and waits for its answer, at most until `giveUp` resolves. Never rejects.
   */
  async ask(requestId: string, text: string, giveUp: Promise<'given up' | 'left'>): Promise<Reply> {
    const answer = new Promise<Reply>((resolve) => this.pending.set(requestId, resolve));
    try {
      if (!this.sendText(text)) return 'not sent';
      return await Promise.race([answer, giveUp]);
    } finally {
      this.pending.delete(requestId);
    }
  }

  /** Ends the connection with a word, and without the other side's consent when it takes too long. */
  close(code: number, reason: string): void {
    this.socket.close(code, reason);
    const impatience = setTimeout(() => this.socket.terminate(), CLOSE_WITHIN_MS);
    this.onEnd(() => clearTimeout(impatience));
  }

  /** Ends the connection at once. */
  terminate(): void {
    this.socket.terminate();
  }

  private sendText(text: string): boolean {
    if (!this.isOpen()) return false;
    if (this.socket.bufferedAmount > MAX_UNREAD_BYTES) {
      this.options.logger.warn('The agent does not read what it is sent; its connection is given up.');
      this.terminate();
      return false;
    }
    this.socket.send(text);
    return true;
  }

  private async beat(): Promise<void> {
    if (this.isOpen() && !(await this.isAlive(this.options.pongWithinMs)) && this.isOpen()) {
      this.options.logger.warn(
        { session: this.id },
        'The agent does not answer; its connection is given up.',
      );
      this.terminate();
    }
  }

  private take(data: RawData, isBinary: boolean): void {
    this.heard();
    if (isBinary) return;
    // One buffer: that is the socket's default `binaryType`.
    const frame = parseAgentFrame((data as Buffer).toString('utf8'));
    switch (frame?.type) {
      case 'agent_hello':
        this.greeting ??= frame;
        this.wake();
        return;
      case 'action_response':
        this.answer(frame);
        return;
      case 'emergency_stop_ack':
      case 'resume_ack':
        this.options.logger.info({ session: this.id, status: frame.status }, 'The agent has obeyed.');
        return;
      case 'pong':
      case undefined:
        return;
    }
  }

  private answer(frame: ActionResponseFrame): void {
    this.pending.get(frame.request_id)?.(frame);
  }

  private heard(): void {
    this.lastHeard = new Date();
    this.wake();
  }

  private ended(): void {
    clearInterval(this.heartbeat);
    for (const resolve of this.pending.values()) resolve('lost');
    this.wake();
  }

  private wake(): void {
    for (const listener of [...this.listeners]) listener();
  }

  /** Until `isSo`, the end of the connection, or `limitMs`. */
  private until(isSo: () => boolean, limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.listeners.delete(look);
        resolve();
      };
      const look = () => {
        if (isSo() || !this.isOpen()) done();
      };
      const timer = setTimeout(done, limitMs);
      this.listeners.add(look);
      look();
    });
  }
}
