import net from 'node:net';

const LAST_PORT = 65_535;

/** Ports of this host's services, each of one living process. */
export class Ports {
  private readonly taken = new Set<number>();

  constructor(private readonly basePort: number) {}

  /** Takes the first port from the base up that is free on this machine; undefined when there is none. */
  async take(): Promise<number | undefined> {
    for (let port = this.basePort; port <= LAST_PORT; port += 1) {
      if (this.taken.has(port)) continue;
      // Before anything is awaited, so that nobody else takes it meanwhile.
      this.taken.add(port);
      if (await isFree(port)) return port;
      this.taken.delete(port);
    }
    return undefined;
  }

  /** Takes a port that is in use by a service of an earlier life. */
  reserve(port: number): void {
    this.taken.add(port);
  }

  giveBack(port: number): void {
    this.taken.delete(port);
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = net.createServer();
    server.once('error', () => done(false));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => server.close(() => done(true)));
  });
}
