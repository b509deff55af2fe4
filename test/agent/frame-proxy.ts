import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { type Json } from '../support/json.js';

/** Sees a frame before it goes on; false: it goes no further, and neither does any after it. */
export type FrameWatch = (from: 'gateway' | 'agent', frame: Json) => boolean;

/** Stands between an agent and its gateway, and knows the frames. */
export class FrameProxy {
  /** What looks at the frames now. */
  watch: FrameWatch = () => true;

  private constructor(
    private readonly server: WebSocketServer,
    private readonly target: string,
  ) {
    server.on('connection', (near, request) => this.carry(near, request.headers.authorization ?? ''));
  }

  static async to(target: string): Promise<FrameProxy> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    return new FrameProxy(server, target);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const client of this.server.clients) client.terminate();
    this.server.close();
    await once(this.server, 'close');
  }

  private carry(near: WebSocket, authorization: string): void {
    const far = new WebSocket(this.target, { headers: { authorization } });
    const early: string[] = [];
    let cut = false;
    const pass = (to: WebSocket, from: 'gateway' | 'agent', text: string) => {
      cut ||= !this.watch(from, JSON.parse(text));
      if (!cut && to.readyState === WebSocket.OPEN) to.send(text);
    };
    near.on('message', (data: Buffer) => {
      if (far.readyState === WebSocket.CONNECTING) early.push(data.toString());
      else pass(far, 'agent', data.toString());
    });
    far.on('open', () => {
      for (const text of early) pass(far, 'agent', text);
    });
    far.on('message', (data: Buffer) => pass(near, 'gateway', data.toString()));
    for (const socket of [near, far]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        near.terminate();
        far.terminate();
      });
    }
  }
}
