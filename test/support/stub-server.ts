import http from 'node:http';
import { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** An HTTP server that stands in for another program; what it answers is the matter of the one that extends it. */
export abstract class StubServer {
  private server: http.Server | undefined;
  private port = 0;

  static async start<Stub extends StubServer>(this: new () => Stub): Promise<Stub> {
    const stub = new this();
    await stub.open();
    return stub;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Listens, on the port it had before if there was one. */
  async open(): Promise<void> {
    const server = http.createServer((request, response) => void this.take(request, response));
    this.prepare?.(server);
    await new Promise<void>((done) => server.listen(this.port, '127.0.0.1', done));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** Dies: cuts every connection and listens no more. What it knows, it remembers. */
  async close(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }

  /** Before it listens: what a server needs that does more than answer requests. */
  protected prepare?(server: http.Server): void;

  protected abstract serve(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    body: string,
  ): Promise<void>;

  private async take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    await this.serve(request, response, await text(request));
  }
}

/** Answers with JSON: what is text already is sent as it is. */
export function reply(
  response: http.ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}
