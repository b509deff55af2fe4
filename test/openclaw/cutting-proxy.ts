import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';

const REFUSAL = 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n';

/** Stands between a control plane and a gateway, and breaks what goes through: byte for byte, it adds nothing. */
export class CuttingProxy {
  /** Whether WebSockets cannot be opened through it. */
  refusesUpgrades = false;
  private readonly sockets = new Set<net.Socket>();

  private constructor(private readonly server: net.Server) {}

  static async start(port: number): Promise<CuttingProxy> {
    const server = net.createServer();
    const proxy = new CuttingProxy(server);
    server.on('connection', (socket) => proxy.take(socket, port));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Breaks every connection that is open now. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private take(socket: net.Socket, port: number): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
    socket.once('data', (first) => {
      if (this.refusesUpgrades && /^upgrade: *websocket/im.test(first.toString('latin1'))) {
        socket.end(REFUSAL);
        return;
      }
      const upstream = net.connect(port, '127.0.0.1');
      upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
      socket.on('close', () => upstream.destroy());
      upstream.write(first);
      socket.pipe(upstream).pipe(socket);
    });
  }
}
