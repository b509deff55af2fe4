import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Dispatcher } from 'undici';
import { isOutage } from '../domain/health.js';
import { headerOf } from '../domain/response-headers.js';
import { ABANDONED } from '../metrics/service-figures.js';
import { type Endpoint } from '../services/endpoint.js';
import { type RoutedService } from '../services/routed-service.js';
import { Attempt, type AttemptListener, type KeptAnswer } from './attempt.js';
import { answerError, readOnAfter } from './error-answer.js';
import { failureOf } from './failure.js';
import { type IdleClock, type Watched } from './idle-clock.js';
import { RequestBody, wholeBody } from './request-body.js';

export interface ExchangeOptions {
  readonly retryAttempts: number;
  readonly cooldownMs: number;
  /** How long a caller may take nothing of what is written. */
  readonly timeoutMs: number;
  readonly clock: IdleClock<Exchange>;
  /** Whether the gateway is about to end, so that connections do not outlive their answers. */
  isClosing(): boolean;
}

/** Bodies of requests that may be repeated are kept up to this size, so that they can be. */
const MOST_REPEATED_BYTES = 65_536;

/** A reason phrase that can be written again as it was read. */
const PLAIN = /^[\t\x20-\x7e]*$/;

/** Before a second try nobody asks which endpoints were tried. */
const UNTRIED: readonly Endpoint[] = [];

/** What may be sent twice without harm. */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * A request and its answer, streamed both ways at the pace of the slower side. Tried again elsewhere only while nothing of
 * an answer was sent and nothing of the body is gone. An answer that breaks off is broken off.
 */
export class Exchange implements Watched, AttemptListener {
  lastActiveMs: number;
  clockPlace = -1;
  private readonly startedMs = performance.now();
  private attempt: Attempt | undefined;
  private earlier: Attempt | undefined;
  private body: Buffer | RequestBody | null = null;
  private triesLeft = 0;
  private tried: readonly Endpoint[] = UNTRIED;
  private isOver = false;
  private isQuiet = false;
  private waitsForDrain = false;
  private hasData = false;

  constructor(
    private readonly options: ExchangeOptions,
    private readonly service: RoutedService,
    private readonly key: string,
    private readonly path: string,
    private readonly headers: string[],
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
  ) {
    this.lastActiveMs = options.clock.nowMs;
  }

  begin(): void {
    const { request, response, options } = this;
    options.clock.add(this);
    this.service.budget.request(this.startedMs);
    response.on('close', () => this.closed());
    // What is written to a caller that has just gone fails; its `close` says so.
    response.on('error', ignore);
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    const isRepeatable = REPEATABLE.has(request.method ?? '');
    if (isRepeatable) this.triesLeft = options.retryAttempts;
    if (encoding === undefined && (length === undefined || length === '0')) {
      this.try();
      return;
    }
    readOnAfter(request, response);
    if (isRepeatable && encoding === undefined && Number(length) <= MOST_REPEATED_BYTES) {
      void wholeBody(request).then((body) => this.tryWith(body));
      return;
    }
    this.triesLeft = 0;
    this.body = new RequestBody(request, () => this.progress());
    this.try();
  }

  onHead(attempt: Attempt, status: number, statusText: string, headers: string[]): void {
    if (attempt !== this.attempt || this.isOver) return;
    if (isOutage(status)) {
      this.eject(attempt.endpoint);
      if (this.mayRetry(attempt.endpoint)) {
        attempt.keep(status, statusText, headers);
        this.earlier?.abort();
        this.earlier = attempt;
        this.try();
        return;
      }
    }
    this.progress();
    this.sendHead(status, statusText, headers);
  }

  /** False when the caller cannot take more for now; the attempt is resumed when it can. */
  onData(attempt: Attempt, chunk: Buffer): boolean {
    if (attempt !== this.attempt || this.isOver || this.response.destroyed) return true;
    this.progress();
    this.hasData = true;
    if (this.response.write(chunk)) return true;
    if (!this.waitsForDrain) {
      this.waitsForDrain = true;
      this.limitSending(this.options.timeoutMs);
      this.response.once('drain', () => this.drained());
    }
    return false;
  }

  onEnd(attempt: Attempt): void {
    if (attempt !== this.attempt || this.isOver || this.response.destroyed) return;
    this.attempt = undefined;
    this.response.end();
  }

  onFailure(attempt: Attempt, error: Error): void {
    if (attempt !== this.attempt || this.isOver) return;
    const failure = failureOf(error);
    // Half an answer must not look like a whole one.
    if (this.response.headersSent) return void this.response.destroy();
    if (failure.kind === 'bad-request') return this.giveUp(400, failure.reason);
    if (failure.kind === 'connection') {
      this.eject(attempt.endpoint);
      if (this.mayRetry(attempt.endpoint)) return this.try();
    }
    const text =
      failure.kind === 'connection' ? 'does not answer' : 'gave an answer that cannot be passed on';
    this.giveUp(502, `an endpoint of service ${this.key} ${text} (${failure.reason})`);
  }

  /** Ends what makes no progress. An event stream may be quiet; its ends are known to live by TCP keep-alive. */
  expire(): void {
    if (this.isQuiet || this.waitsForDrain) return;
    // All of it is written: what is left is the caller's to take.
    if (this.response.writableEnded) return this.limitSending(this.options.timeoutMs);
    if (this.response.headersSent) {
      this.response.destroy();
      return;
    }
    const isCallersFault =
      !this.request.complete && (this.body === null || (this.body as RequestBody).readableLength === 0);
    const endpointText = `service ${this.key} did not answer in time`;
    this.leaveAttempt();
    answerError(
      this.response,
      isCallersFault ? 408 : 504,
      isCallersFault ? 'the rest of the request body did not come in time' : endpointText,
    );
  }

  /** Sends the head alone when the body is not there yet. */
  flush(): void {
    if (!this.hasData && !this.response.writableEnded && !this.response.destroyed)
      this.response.flushHeaders();
  }

  /** Ends it at once. */
  cut(): void {
    this.response.destroy();
  }

  private tryWith(body: Buffer | undefined): void {
    if (body === undefined || this.isOver || this.response.headersSent) return;
    this.body = body;
    this.try();
  }

  private try(): void {
    const endpoint = this.service.choose(performance.now(), this.tried);
    if (endpoint === undefined) return this.giveUp(503, `no healthy endpoints for service ${this.key}`);
    const attempt = new Attempt(this, endpoint);
    this.attempt = attempt;
    endpoint.pool.dispatch(
      {
        path: endpoint.address.basePath + this.path,
        method: this.request.method as Dispatcher.HttpMethod,
        headers: this.headers,
        body: this.body,
      },
      attempt,
    );
  }

  private mayRetry(failed: Endpoint): boolean {
    if (this.triesLeft === 0) return false;
    this.triesLeft--;
    this.tried = [...this.tried, failed];
    const isAllowed = this.service.budget.takeRetry(performance.now());
    if (isAllowed) this.service.figures.retries++;
    else this.service.figures.retriesRefused++;
    return isAllowed;
  }

  private eject(endpoint: Endpoint): void {
    if (endpoint.health.fail(performance.now(), this.options.cooldownMs)) this.service.figures.ejections++;
  }

  /** The last 5xx that came, if one did; else a text of our own. */
  private giveUp(status: number, text: string): void {
    const kept: KeptAnswer | undefined = this.earlier?.keptAnswer;
    this.leaveAttempt();
    if (kept?.body === undefined) return answerError(this.response, status, text);
    this.sendHead(kept.status, kept.statusText, kept.headers);
    this.response.end(kept.body);
  }

  private sendHead(status: number, statusText: string, headers: string[]): void {
    if (this.options.isClosing()) headers.push('connection', 'close');
    this.service.figures.latency.observe((performance.now() - this.startedMs) / 1_000);
    this.isQuiet = headerOf(headers, 'content-type')?.startsWith('text/event-stream') === true;
    this.response.writeHead(status, PLAIN.test(statusText) ? statusText : '', headers);
    process.nextTick(flush, this);
  }

  /** Lets the connection end when its other end takes nothing for so long; the socket sees even parts of a write go. */
  private limitSending(limitMs: number): void {
    const { socket } = this.request;
    if (limitMs === 0 || socket.timeout !== limitMs) socket.setTimeout(limitMs);
  }

  private leaveAttempt(): void {
    const { attempt } = this;
    this.attempt = undefined;
    attempt?.abort();
  }

  private progress(): void {
    this.lastActiveMs = this.options.clock.nowMs;
  }

  private drained(): void {
    this.waitsForDrain = false;
    this.limitSending(0);
    this.progress();
    this.attempt?.resume();
  }

  private closed(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.options.clock.delete(this);
    const { response } = this;
    this.service.figures.count(response.headersSent ? response.statusCode : ABANDONED);
    this.leaveAttempt();
    this.earlier?.abort();
  }
}

const ignore = (): void => undefined;

/** Runs when all that came with the head has been read. */
function flush(exchange: Exchange): void {
  exchange.flush();
}
