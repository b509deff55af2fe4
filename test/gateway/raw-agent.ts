import { once } from 'node:events';
import { WebSocket } from 'ws';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';

export interface RawAgentOptions {
  readonly token?: string;
  readonly hello?: object | null;
  /** Does not answer pings, neither the protocol's nor ours. */
  readonly mute?: boolean;
}

/** An agent by hand: says what a test wants it to say, and remembers what it hears. */
export class RawAgent {
  readonly frames: Json[] = [];
  private end: { readonly code: number; readonly reason: string } | undefined;

  private constructor(readonly socket: WebSocket) {
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => (this.end = { code, reason: reason.toString() }));
  }

  static async connect(
    url: string,
    { token = '', hello = { agent_version: '1', capabilities: [] }, mute = false }: RawAgentOptions = {},
  ): Promise<RawAgent> {
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${token}` },
      autoPong: !mute,
      maxPayload: 64 * 1_048_576,
    });
    const agent = new RawAgent(socket);
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString());
      agent.frames.push(frame);
      if (frame.type === 'ping' && !mute) agent.say({ type: 'pong' });
    });
    await Promise.race([once(socket, 'open'), once(socket, 'close')]);
    if (hello !== null) agent.say({ type: 'agent_hello', ...hello });
    return agent;
  }

  say(frame: object | string): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** The next action that it is asked for, of those not answered yet. */
  request(number = 0): Promise<Json> {
    return eventually('the agent is asked for an action', () =>
      Promise.resolve(this.frames.filter(({ type }) => type === 'action_request')[number]),
    );
  }

  heard(type: string): Promise<Json> {
    return eventually(`the agent hears ${type}`, () =>
      Promise.resolve(this.frames.find((frame) => frame.type === type)),
    );
  }

  answer({ request_id, action }: Json, more: object = {}): void {
    const result = { returncode: 0, stdout: 'done', stderr: '' };
    this.say({ type: 'action_response', request_id, action, status: 'success', result, ...more });
  }

  closed(): Promise<{ code: number; reason: string }> {
    return eventually('the connection is closed', () => Promise.resolve(this.end));
  }

  terminate(): void {
    this.socket.terminate();
  }
}
