import { type Dispatcher } from 'undici';
import { responseHeaders } from '../domain/response-headers.js';
import { type Endpoint } from '../services/endpoint.js';

/** An answer that is held back while the request is tried elsewhere. */
export interface KeptAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: string[];
  /** Undefined until it is complete, and for good when it is too long to keep. */
  readonly body: Buffer | undefined;
}

/** Who wants to know how an attempt goes. */
export interface AttemptListener {
  onHead(attempt: Attempt, status: number, statusText: string, headers: string[]): void;
  /** False: no more for now, until {@link Attempt.resume}. */
  onData(attempt: Attempt, chunk: Buffer): boolean;
  onEnd(attempt: Attempt): void;
  /** Before or within an answer. */
  onFailure(attempt: Attempt, error: Error): void;
}

/** Outages are told in few words; what is longer is not kept. */
const MOST_KEPT_BYTES = 65_536;

/** One request to one endpoint, on behalf of a listener that hears of everything but a kept answer's body. */
export class Attempt implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined;
  private isAborted = false;
  private keeping: { chunks: Buffer[]; bytes: number; answer: KeptAnswer } | undefined;

  constructor(
    private readonly listener: AttemptListener,
    readonly endpoint: Endpoint,
  ) {}

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.isAborted) controller.abort(ABORTED);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    statusText = '',
  ): void {
    // Interim answers are between two neighbours.
    if (status < 200) return;
    this.listener.onHead(this, status, statusText, responseHeaders(texts(controller.rawHeaders)));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.keeping === undefined) {
      if (!this.listener.onData(this, chunk)) controller.pause();
      return;
    }
    this.keeping.bytes += chunk.length;
    this.keeping.chunks.push(chunk);
    if (this.keeping.bytes > MOST_KEPT_BYTES) this.abort();
  }

  onResponseEnd(): void {
    if (this.keeping === undefined) this.listener.onEnd(this);
    else this.keeping.answer = { ...this.keeping.answer, body: Buffer.concat(this.keeping.chunks) };
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.keeping === undefined) this.listener.onFailure(this, error);
  }

  /** Goes on reading after a pause. */
  resume(): void {
    this.controller?.resume();
  }

  /** From now on the answer goes nowhere; it is there to be asked for when nothing better comes. */
  keep(status: number, statusText: string, headers: string[]): void {
    this.keeping = { chunks: [], bytes: 0, answer: { status, statusText, headers, body: undefined } };
  }

  get keptAnswer(): KeptAnswer | undefined {
    return this.keeping?.answer;
  }

  /** Ends it, and its connection, wherever it is. May be called twice. */
  abort(): void {
    this.isAborted = true;
    this.controller?.abort(ABORTED);
  }
}

/** Made once: a stack would cost more than the abort. */
const ABORTED = new Error('The exchange is over.');

/** Header names and values as they came, byte for byte. */
function texts(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return [];
  const result: string[] = new Array<string>(raw.length);
  for (let index = 0; index < raw.length; index++) {
    const text = raw[index] ?? '';
    result[index] = typeof text === 'string' ? text : text.toString('latin1');
  }
  return result;
}
