import http from 'node:http';
import { type Pool, resolveSymbols } from './known.js';
import { type Credential, type FuzzRequest } from './requests.js';

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  /** Whether the text is all of it: of a stream only the beginning is taken. */
  readonly isWhole: boolean;
}

/** A request as it went out, and what came back; null when nothing did within the limit. */
export interface Exchange {
  readonly sent: string;
  readonly answer: Answer | null;
}

const PATIENCE_MS = 20_000;
const STREAM_MS = 60;

/** Sends requests as they stand, odd paths and headers among them. */
export class Client {
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  private readonly url: URL;

  constructor(
    url: string,
    private readonly headersOf: (as: Credential) => Readonly<Record<string, string>>,
  ) {
    this.url = new URL(url);
  }

  async send(request: FuzzRequest, pool: Pool): Promise<Exchange> {
    const put = (text: string) => resolveSymbols(text, pool, request.pin);
    const path = put(request.path);
    const body = request.body === null ? null : put(request.body);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, text]) => [name, put(text)]),
    );
    const all = { ...headers, ...this.headersOf(request.as) };
    const sent = [path, ...Object.values(all), body ?? ''].join('\n');
    return { sent, answer: await this.exchange(request.method, path, all, body) };
  }

  close(): void {
    this.agent.destroy();
  }

  private exchange(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string | null,
  ): Promise<Answer | null> {
    return new Promise((resolve) => {
      const { hostname: host, port } = this.url;
      const length = body === null ? {} : { 'content-length': Buffer.byteLength(body) };
      const request = http.request({
        host,
        port,
        method,
        path,
        headers: { ...headers, ...length },
        agent: this.agent,
      });
      let isTooLate = false;
      const patience = setTimeout(() => {
        isTooLate = true;
        request.destroy();
      }, PATIENCE_MS);
      const done = (answer: Answer | null) => {
        clearTimeout(patience);
        resolve(answer);
      };
      request.on('response', (response) => take(response, done, () => request.destroy()));
      request.on('error', () => {
        // The server may have closed an idle connection at the very moment in which it was used again.
        if (!request.reusedSocket || isTooLate) return done(null);
        clearTimeout(patience);
        void this.exchange(method, path, headers, body).then(resolve);
      });
      request.end(body ?? undefined);
    });
  }
}

function take(response: http.IncomingMessage, done: (answer: Answer | null) => void, cut: () => void): void {
  const chunks: Buffer[] = [];
  const isStream = (response.headers['content-type'] ?? '').startsWith('text/event-stream');
  const finish = (isWhole: boolean) =>
    done({
      ...{ status: response.statusCode ?? 0, headers: response.headers, isWhole },
      text: Buffer.concat(chunks).toString(),
    });
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.on('end', () => finish(true));
  // Cut off before the end, by the server or by ourselves.
  response.on('error', () => (isStream ? finish(false) : done(null)));
  if (isStream) setTimeout(cut, STREAM_MS);
}
