import { Inject, Injectable } from '@nestjs/common';
import { Coalescer } from '../../platform/coalescing/coalescer.js';
import { Database } from '../../platform/database/database.js';
import { DatabaseUnavailableError } from '../../platform/database/errors.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG } from '../runtime/index.js';
import { Allowance } from './domain/allowance.js';
import { type Taken, takeRequests } from './rate-limits.queries.js';

const MINUTE_MS = 60_000;
/** Clients that are remembered; the one that came first is forgotten first. */
const MAX_CLIENTS = 20_000;
/** A replica takes so many parts of the limit at a time: few questions to the database, and little that is left over. */
const SHARES = 20;
const MAX_BATCH = 500;

/** How a request stands with the limit of its client. */
export interface Verdict {
  readonly isAllowed: boolean;
  readonly limit: number;
  /** Requests that are left of the minute, as far as this replica knows. */
  readonly remaining: number;
  readonly resetSeconds: number;
}

/**
 * How often each client calls in a minute, on all replicas together. A replica takes a part of the limit at a time, so that
 * most requests cost no question to the database; together they never let more pass than the limit, and what one has
 * taken and does not use is lost to the others until the next minute: a twentieth of the limit at most. Without the
 * database each replica counts for itself.
 */
@Injectable()
export class ClientRates {
  private readonly limit: number;
  private readonly share: number;
  private readonly clients = new Map<string, Allowance>();
  private readonly asking = new Map<string, Promise<void>>();
  private readonly questions: Coalescer<string, Taken>;

  constructor(
    private readonly database: Database,
    @Inject(CONFIG) config: ControlPlaneConfig,
  ) {
    this.limit = config.http.rateLimitPerMinute;
    this.share = Math.max(1, Math.floor(this.limit / SHARES));
    this.questions = new Coalescer({
      run: (clients) => this.takeAll(clients),
      ...{ maxWeight: MAX_BATCH, maxRuns: 1 },
      concernsAll: (error) => error instanceof DatabaseUnavailableError,
    });
  }

  /** Counts one request more. */
  async count(client: string): Promise<Verdict> {
    let allowance = this.allowanceOf(client);
    let isAllowed = allowance?.use() ?? false;
    while (!isAllowed && (allowance === undefined || allowance.isOpen)) {
      await this.ask(client);
      allowance = this.allowanceOf(client);
      isAllowed = allowance?.use() ?? false;
    }
    const leftMs = (allowance?.endsAtMs ?? 0) - performance.now();
    return {
      isAllowed,
      limit: this.limit,
      remaining: allowance?.remaining ?? 0,
      resetSeconds: Math.max(1, Math.ceil(leftMs / 1_000)),
    };
  }

  /** What is known of a client's minute, while it lasts. */
  private allowanceOf(client: string): Allowance | undefined {
    const known = this.clients.get(client);
    if (known === undefined || known.endsAtMs > performance.now()) return known;
    this.clients.delete(client);
    return undefined;
  }

  /** Takes another share of the limit for a client. Those who come meanwhile wait for the same one. */
  private ask(client: string): Promise<void> {
    const under = this.asking.get(client);
    if (under !== undefined) return under;
    const asked = this.take(client).finally(() => this.asking.delete(client));
    this.asking.set(client, asked);
    return asked;
  }

  private async take(client: string): Promise<void> {
    let taken: Taken;
    try {
      taken = await this.questions.submit(client);
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
      // Whatever the request wants will hear of it; guessing keys is limited all the same.
      this.remember(client, MINUTE_MS).add(this.limit, this.limit);
      return;
    }
    // A minute that ended on the way is over at once, and asked for anew.
    this.remember(client, taken.leftMs).add(this.share, taken.requests);
  }

  private remember(client: string, leftMs: number): Allowance {
    const known = this.allowanceOf(client);
    if (known !== undefined) return known;
    const allowance = new Allowance(this.limit, performance.now() + leftMs);
    this.clients.set(client, allowance);
    if (this.clients.size > MAX_CLIENTS) {
      const [first] = this.clients.keys();
      if (first !== undefined) this.clients.delete(first);
    }
    return allowance;
  }

  /** No client is asked about twice at a time. */
  private async takeAll(clients: readonly string[]): Promise<Taken[]> {
    const rows = await takeRequests(this.database, new Map(clients.map((client) => [client, this.share])));
    const byClient = new Map(rows.map((taken) => [taken.client, taken]));
    return clients.map((client) => {
      const taken = byClient.get(client);
      if (taken === undefined) throw new Error('A client was not counted.');
      return taken;
    });
  }
}
