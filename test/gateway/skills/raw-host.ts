import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { StubServer } from '../../support/stub-server.js';

export interface RawAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Sent again and again until the other side hangs up. */
  readonly endless?: string;
  /** The headers come, and then nothing. */
  readonly silent?: boolean;
}

/** Stands in for raw.githubusercontent.com: answers each path as a test has told it. */
export class RawHost extends StubServer {
  readonly answers = new Map<string, RawAnswer>();
  /** How many bytes of an endless answer went out before the other side hung up. */
  sentBytes = 0;
  asked: string[] = [];

  has(path: string, answer: RawAnswer): void {
    this.answers.set(path, answer);
  }

  protected override async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    this.asked.push(path);
    const {
      status = 200,
      headers = { 'content-type': 'text/plain' },
      ...answer
    } = this.answers.get(path) ?? {
      status: 404,
    };
    response.writeHead(status, headers);
    if (answer.silent === true) {
      response.flushHeaders();
      return;
    }
    response.on('error', () => undefined);
    while (answer.endless !== undefined && !response.destroyed) {
      this.sentBytes += answer.endless.length;
      if (!response.write(answer.endless)) {
        await Promise.race([once(response, 'drain'), once(response, 'close')]);
      }
    }
    response.end(answer.body ?? '');
  }
}
