import { setTimeout as wait } from 'node:timers/promises';
import { type Logger } from '../../platform/logging/logger.js';
import { backoffMs } from '../domain/backoff.js';
import { type CoordinatorClient } from './coordinator-client.js';
import { CoordinatorRefusal } from './coordinator-errors.js';
import { type Registration } from './registration.js';

const FIRST_PAUSE_MS = 250;
const MOST_PAUSE_MS = 15_000;
/** Tries after the coordinator has said that it does not know the host, which a registration mends. */
const MOST_RENEWALS = 3;

/** What is to reach the coordinator, whenever that is possible. */
export interface Parcel {
  readonly path: string;
  readonly body: object;
  readonly key: string;
}

export type Delivery =
  | { readonly kind: 'accepted'; readonly answer: unknown }
  | { readonly kind: 'refused'; readonly refusal: CoordinatorRefusal };

/** Sends what must not be lost, again and again with the same key, until the coordinator has answered. */
export class Deliverer {
  constructor(
    private readonly client: CoordinatorClient,
    private readonly registration: Registration,
    private readonly logger: Logger,
  ) {}

  /** Comes back with the coordinator's answer; throws only when `signal` fires. */
  async deliver({ path, body, key }: Parcel, signal: AbortSignal): Promise<Delivery> {
    let renewals = 0;
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        return { kind: 'accepted', answer: await this.client.post(path, body, { key, signal }) };
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof CoordinatorRefusal && !error.isLockedOut) {
          if (!error.isUnknownHost || renewals === MOST_RENEWALS) return { kind: 'refused', refusal: error };
          renewals += 1;
          await this.registration.renew(signal);
          continue;
        }
        const pauseMs = backoffMs(attempt, FIRST_PAUSE_MS, MOST_PAUSE_MS);
        this.logger[attempt === 1 ? 'warn' : 'debug'](
          { path, reason: error instanceof Error ? error.message : String(error) },
          'Not delivered; trying again.',
        );
        await wait(pauseMs, undefined, { signal });
      }
    }
  }
}
