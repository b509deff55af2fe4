import { createHmac } from 'node:crypto';
import type http from 'node:http';
import { type Json } from '../support/json.js';
import { eventually } from '../support/eventually.js';
import { reply, StubServer } from '../support/stub-server.js';

export interface Received {
  readonly id: string;
  readonly timestamp: number;
  /** Without their version. */
  readonly signatures: readonly string[];
  readonly headers: http.IncomingHttpHeaders;
  readonly path: string;
  readonly text: string;
  readonly body: Json;
}

/** How a receiver answers one message. */
export type Answer = (response: http.ServerResponse) => void | Promise<void>;

/** Somebody who is told of events, at as many paths as it likes: answers what it is told to, and keeps what it got. */
export class Receiver extends StubServer {
  readonly received: Received[] = [];
  private readonly answers = new Map<string, Answer>();

  /** How messages to a path are answered from now on; 204 without a word. */
  answer(path: string, answer: Answer): void {
    this.answers.set(path, answer);
  }

  at(path: string): Received[] {
    return this.received.filter((message) => message.path === path);
  }

  /** Waits until so many messages have come to a path. */
  until(path: string, count: number): Promise<Received[]> {
    return eventually(`${path} has got ${count} messages`, () => {
      const messages = this.at(path);
      return Promise.resolve(messages.length >= count ? messages : undefined);
    });
  }

  protected async serve(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    text: string,
  ): Promise<void> {
    const { headers, url: path = '' } = request;
    this.received.push({
      id: String(headers['webhook-id']),
      timestamp: Number(headers['webhook-timestamp']),
      signatures: String(headers['webhook-signature'])
        .split(' ')
        .map((signature) => signature.replace(/^v1,/, '')),
      headers,
      path,
      text,
      body: JSON.parse(text),
    });
    const answer = this.answers.get(path);
    if (answer === undefined) reply(response, 204, '');
    else await answer(response);
  }
}

/** What a message must be signed with by a secret, reckoned as the standard says and not as the program does. */
export function signatureOf({ id, timestamp, text }: Received, secret: string): string {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  return createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest('base64');
}

export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    reply(response, code, '', headers);
