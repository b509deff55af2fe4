import { type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/**
 * The body of a request on its way to an endpoint, piece by piece as fast as the endpoint takes it. Unlike the request
 * itself it may be destroyed while the caller still waits for an answer.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #onProgress: () => void;

  constructor(request: IncomingMessage, onProgress: () => void) {
    super();
    this.#request = request;
    this.#onProgress = onProgress;
    request.on('data', this.#pass).on('end', this.#finish).on('close', this.#breakOff).pause();
  }

  override _read(): void {
    this.#request.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#request.off('data', this.#pass).off('end', this.#finish).off('close', this.#breakOff);
    callback(error);
  }

  readonly #pass = (chunk: Buffer): void => {
    this.#onProgress();
    if (!this.push(chunk)) this.#request.pause();
  };

  readonly #finish = (): void => {
    this.push(null);
  };

  readonly #breakOff = (): void => {
    if (!this.#request.complete) this.destroy(new Error('The caller went away.'));
  };
}

/** All of a short body. Undefined when the caller goes away before its end. */
export function wholeBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('close', () => resolve(undefined));
    request.on('error', () => resolve(undefined));
  });
}
