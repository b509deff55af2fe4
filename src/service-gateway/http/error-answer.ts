import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { type Duplex } from 'node:stream';

/** How long the rest of a request's body is read, and thrown away, after its answer. */
const LINGER_MS = 5_000;

/** `{"error": text}`, as all errors of the gateway's own. */
export function answerError(response: ServerResponse, status: number, text: string): void {
  answerJson(response, status, { error: text });
}

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  answerText(response, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

export function answerText(response: ServerResponse, status: number, type: string, text: string): void {
  // Its caller has gone.
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** The same on a connection that no response stands for; it ends with it. */
export function answerErrorOn(socket: Duplex, status: number, text: string): void {
  const body = JSON.stringify({ error: text });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n` +
      'content-type: application/json; charset=utf-8\r\n' +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/**
 * Reads the rest of a body when its answer was quicker, so that a caller that is still sending gets to read the answer;
 * for 5 s, then the connection is cut.
 */
export function readOnAfter(request: IncomingMessage, response: ServerResponse): void {
  response.once('finish', () => {
    if (request.complete || request.destroyed) return;
    const { socket } = request;
    const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
    request.once('close', () => clearTimeout(timer)).once('end', () => clearTimeout(timer));
    request.resume();
  });
}
