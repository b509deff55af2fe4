import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { ApiError, errorText, UnreachableError } from './api-error.js';
import { brokenOff, cannotServe, type Trouble } from './trouble.js';

export interface ApiOptions {
  /** What is called, for sentences: `coordinator`. */
  readonly name: string;
  /** Where it may be; the next one is tried when one does not answer. */
  readonly urls: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** What to do when nobody answers. */
  readonly whenUnreachable: string;
  /** What to do at 401. */
  readonly whenUnauthorized: string;
}

interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly whenUnauthorized?: string;
}

interface Answer {
  readonly response: Response;
  /** Its body; of a stream that has been opened it is empty. */
  readonly text: string;
}

/** The server waits 10 s for its standbys at most, and a replica that ends answers within 20 s. */
const TIMEOUT_MS = 30_000;
/** A replica that cannot serve now; another one may, or the same one in a moment. */
const AWAY = new Set([502, 503, 504]);
const REPEAT_AFTER_MS = 300;

/**
 * Calls an API over HTTP at the first of its addresses that answers, and goes on with that one. Changes carry an
 * idempotency key that stays the same wherever they are sent again, so that sending twice changes nothing. Redirects are
 * not followed: they would carry the credential to another address.
 */
export class ApiClient {
  private urls: readonly string[];

  constructor(private readonly options: ApiOptions) {
    this.urls = options.urls;
  }

  get<T>(path: string): Promise<T> {
    return this.json<T>({ method: 'GET', path, headers: {} });
  }

  /**
   * Sends a change, once for all who look at it, however often it takes to arrive. `whenUnauthorized`: what to do at 401,
   * where that is not the same as elsewhere.
   */
  send<T>(
    method: 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body: object = {},
    { whenUnauthorized }: { readonly whenUnauthorized?: string } = {},
  ): Promise<T> {
    return this.json<T>({
      ...(whenUnauthorized === undefined ? {} : { whenUnauthorized }),
      method,
      path,
      headers: { 'content-type': 'application/json', 'x-idempotency-key': randomUUID() },
      body: JSON.stringify(body),
    });
  }

  /** Opens an answer that goes on; whoever calls reads its body, and ends it by the signal. */
  async open(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Response> {
    const call: Call = { method: 'GET', path, headers };
    const { response } = await this.anywhere(call, async (url) => {
      const answer = await this.fetch(url, call, signal);
      return { response: answer, text: answer.ok ? '' : await answer.text() };
    });
    return response;
  }

  private async json<T>(call: Call): Promise<T> {
    const { text } = await this.anywhere(call, async (url) => {
      const response = await this.fetch(url, call, AbortSignal.timeout(TIMEOUT_MS));
      return { response, text: await response.text() };
    });
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new ApiError(200, `${this.urls[0] ?? ''} answers no JSON. Is it the ${this.options.name}?`);
    }
  }

  private fetch(url: string, call: Call, signal: AbortSignal): Promise<Response> {
    return fetch(`${url}${call.path}`, {
      method: call.method,
      headers: { ...this.options.headers, ...call.headers },
      redirect: 'manual',
      signal,
      ...(call.body === undefined ? {} : { body: call.body }),
    });
  }

  /**
   * Tries one address after the other, and each a second time unless nobody is there. The first definite answer counts,
   * good or bad.
   */
  private async anywhere(call: Call, attempt: (url: string) => Promise<Answer>): Promise<Answer> {
    const troubles = new Map<string, Trouble>();
    let mayHaveArrived = false;
    const queue = this.urls.map((url) => ({ url, mayRepeat: true }));
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { url, mayRepeat } = next;
      if (!mayRepeat) await wait(REPEAT_AFTER_MS);
      let trouble: Trouble;
      try {
        const answer = await attempt(url);
        if (answer.response.ok) {
          this.urls = [url, ...this.urls.filter((other) => other !== url)];
          return answer;
        }
        if (!AWAY.has(answer.response.status)) throw this.refusal(url, answer, call);
        trouble = cannotServe(answer.response.status, errorText(answer.text));
      } catch (error) {
        if (error instanceof ApiError) throw error;
        trouble = brokenOff(error);
      }
      troubles.set(url, trouble);
      mayHaveArrived ||= trouble.mayHaveArrived;
      if (mayRepeat && !trouble.nobodyThere) queue.push({ url, mayRepeat: false });
    }
    throw this.unreachable(troubles, mayHaveArrived && call.method !== 'GET');
  }

  private refusal(url: string, { response, text }: Answer, call: Call): ApiError {
    const { status } = response;
    if (status === 401) {
      return new ApiError(
        status,
        `${url} answers 401 ${errorText(text)}: ${call.whenUnauthorized ?? this.options.whenUnauthorized}`,
      );
    }
    if (status >= 300 && status < 400) {
      const place = response.headers.get('location') ?? 'another address';
      return new ApiError(status, `${url} redirects to ${place}. Give the address of the API itself.`);
    }
    const wait = response.headers.get('retry-after');
    const later = wait === null ? '' : ` Try again in ${wait} s.`;
    const why = errorText(text);
    if (status >= 500) return new ApiError(status, `${url} answers ${status}: ${why}${later}`);
    return new ApiError(status, why === '' ? `${url} answers ${status}.${later}` : `${why}${later}`);
  }

  private unreachable(troubles: ReadonlyMap<string, Trouble>, mayHaveArrived: boolean): UnreachableError {
    const { name, whenUnreachable } = this.options;
    const maybe = mayHaveArrived ? ' The request may have been carried out all the same.' : '';
    const [only] = troubles.size === 1 ? troubles : [];
    if (only?.[1].isAnswer === true)
      return new UnreachableError(`${only[0]} ${only[1].text}${maybe && `.${maybe}`}`);
    const all = [...troubles].map(([url, { text }]) => `${url} (${text})`);
    const what =
      only === undefined
        ? `No ${name} can be reached: ${all.join(', ')}.`
        : `The ${name} cannot be reached at ${all.join()}.`;
    return new UnreachableError(`${what}${maybe} ${whenUnreachable}`);
  }
}
