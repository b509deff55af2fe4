import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';

/** A way to a database that a test can cut and mend. */
export class CuttableProxy {
  private readonly sockets = new Set<net.Socket>();
  private whole = true;

  private constructor(
    private readonly server: net.Server,
    private readonly target: URL,
  ) {}

  static async to(databaseUrl: string): Promise<CuttableProxy> {
    const server = net.createServer();
    const proxy = new CuttableProxy(server, new URL(databaseUrl));
    server.on('connection', (socket) => proxy.carry(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  /** The database's URL by way of this proxy. */
  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href;
  }

  cut(): void {
    this.whole = false;
    for (const socket of this.sockets) socket.destroy();
  }

  mend(): void {
    this.whole = true;
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private carry(near: net.Socket): void {
    if (!this.whole) {
      near.destroy();
      return;
    }
    const far = net.connect(Number(this.target.port), this.target.hostname);
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  }
}
