import type http from 'node:http';
import { type Json } from '../../support/json.js';
import { reply, StubServer } from '../../support/stub-server.js';

export interface SeenCall {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Json;
}

/** What becomes of one call. */
export type Reply = (response: http.ServerResponse, call: SeenCall) => unknown;

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Reply {
  return (response) => reply(response, status, body, headers);
}

/** Closes the connection without an answer. */
export const drop: Reply = (response) => response.socket?.destroy();

/** Begins a stream, hands it to `write`, and leaves it open. */
export function stream(write: (response: http.ServerResponse, call: SeenCall) => unknown): Reply {
  return (response, call) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    response.flushHeaders();
    return write(response, call);
  };
}

export function logFrame(seq: number, text: string, more: Json = {}): string {
  const line = { seq, stream: 'stdout', text, attempt: 1, hostId: 'host_a', at: '2026-01-02T03:04:05.678Z' };
  const { attempt } = { ...line, ...more };
  return `event: log\nid: ${attempt}-${seq}\ndata: ${JSON.stringify({ ...line, ...more })}\n\n`;
}

export function endFrame(end: Json): string {
  return `event: end\ndata: ${JSON.stringify(end)}\n\n`;
}

/** A coordinator that answers what it is told to, and remembers what it was asked. */
export class ScriptableCoordinator extends StubServer {
  readonly seen: SeenCall[] = [];
  /** Asked of every call, when it is set. */
  token: string | undefined;
  private readonly replies = new Map<string, Reply[]>();

  /** Says how calls of a route (`GET /v1/jobs`) are answered, one after the other; the last answer stays. */
  on(route: string, ...replies: Reply[]): this {
    this.replies.set(route, replies);
    return this;
  }

  /** Forgets what it was told and asked. */
  reset(): void {
    this.replies.clear();
    this.seen.length = 0;
    this.token = undefined;
  }

  calls(route: string): SeenCall[] {
    return this.seen.filter(({ method, path }) => `${method} ${path.replace(/\?.*/, '')}` === route);
  }

  protected async serve(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    text: string,
  ): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    const call = { method, path, headers, body: text === '' ? undefined : JSON.parse(text) };
    this.seen.push(call);
    if (this.token !== undefined && headers['x-skyclaw-token'] !== this.token) {
      json({ error: 'unauthorized' }, 401)(response, call);
      return;
    }
    const replies = this.replies.get(`${method} ${path.replace(/\?.*/, '')}`) ?? [];
    const next = replies.length > 1 ? replies.shift() : replies[0];
    await (next ?? json({ error: 'not found' }, 404))(response, call);
  }
}
