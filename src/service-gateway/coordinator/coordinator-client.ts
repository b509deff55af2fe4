import { Agent, type Dispatcher, request } from 'undici';

export interface CoordinatorOptions {
  /** Replicas of one coordinator, asked in turn until one answers. */
  readonly urls: readonly string[];
  readonly token: string | undefined;
}

export interface ServicesAnswer {
  readonly services: readonly unknown[];
  /** What a long poll compares with; undefined when the coordinator knows none. */
  readonly version: string | undefined;
}

/** No coordinator gave the list; the message says why and what to check. */
export class CoordinatorError extends Error {}

const ANSWER_WITHIN_MS = 5_000;
/** A page too many is a coordinator that goes round in circles. */
const MOST_PAGES = 1_000;

/** Asks the coordinator for its services. The replica that answered last is asked first. */
export class CoordinatorClient {
  private readonly agent = new Agent({ connectTimeout: ANSWER_WITHIN_MS, headersTimeout: 0, bodyTimeout: 0 });
  private preferred = 0;

  constructor(private readonly options: CoordinatorOptions) {}

  /** All services. Throws {@link CoordinatorError} when no replica answers, or when the first that does refuses. */
  async services(signal: AbortSignal): Promise<ServicesAnswer> {
    const services: unknown[] = [];
    let version: string | undefined;
    let cursor: string | undefined;
    for (let page = 0; page < MOST_PAGES; page++) {
      const query = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
      const reply = await this.ask(query, ANSWER_WITHIN_MS, signal);
      version ??= versionOf(reply);
      const body = (await reply.body.json()) as Record<string, unknown> | null;
      const list = body?.['services'];
      if (!Array.isArray(list))
        throw new CoordinatorError('The coordinator answered without a list of services.');
      services.push(...(list as unknown[]));
      if (typeof body?.['next_cursor'] !== 'string') return { services, version };
      cursor = body['next_cursor'];
    }
    throw new CoordinatorError(`The coordinator's list of services does not end after ${MOST_PAGES} pages.`);
  }

  /** Waits until the list is another than that of `version`, for `waitMs` at most. True when it is. */
  async waitForChange(version: string, waitMs: number, signal: AbortSignal): Promise<boolean> {
    const query = `?wait_ms=${waitMs}&since=${encodeURIComponent(version)}`;
    const reply = await this.ask(query, waitMs + ANSWER_WITHIN_MS, signal);
    await reply.body.dump({ limit: Number.MAX_SAFE_INTEGER });
    return reply.statusCode !== 304 && versionOf(reply) !== version;
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }

  private async ask(query: string, limitMs: number, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const failures: string[] = [];
    const { urls } = this.options;
    for (let step = 0; step < urls.length; step++) {
      const place = (this.preferred + step) % urls.length;
      const url = urls[place] ?? '';
      const outcome = await this.askOne(`${url}/v1/services${query}`, limitMs, signal);
      signal.throwIfAborted();
      if (typeof outcome === 'string') {
        failures.push(`${url}: ${outcome}`);
        continue;
      }
      this.preferred = place;
      if (outcome.statusCode < 400) return outcome;
      await outcome.body.dump();
      throw new CoordinatorError(refusalText(url, outcome.statusCode));
    }
    throw new CoordinatorError(
      `No coordinator answers (${failures.join('; ')}). Check SKYCLAW_COORDINATOR_URL and that it is running.`,
    );
  }

  /** The answer, or why there is none that counts. */
  private async askOne(
    url: string,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData | string> {
    const { token } = this.options;
    try {
      const reply = await request(url, {
        dispatcher: this.agent,
        headers: { accept: 'application/json', ...(token === undefined ? {} : { 'x-skyclaw-token': token }) },
        signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
      });
      if (reply.statusCode < 500) return reply;
      await reply.body.dump();
      return `status ${reply.statusCode}`;
    } catch (error) {
      return reasonOf(error);
    }
  }
}

function versionOf({ headers }: Dispatcher.ResponseData): string | undefined {
  const version = headers['x-services-version'];
  return typeof version === 'string' && version !== '' ? version : undefined;
}

function refusalText(url: string, status: number): string {
  if (status === 401 || status === 403) {
    return `The coordinator at ${url} refuses the token (${status}). Set SKYCLAW_TOKEN to the coordinator's.`;
  }
  return `The coordinator at ${url} answers ${status} to GET /v1/services. Check that SKYCLAW_COORDINATOR_URL is one.`;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
