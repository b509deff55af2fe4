import { setTimeout as wait } from 'node:timers/promises';
import { type RegisterHostRequest } from '../../contracts/skyclaw.js';
import { type Logger } from '../../platform/logging/logger.js';
import { backoffMs } from '../domain/backoff.js';
import { type HostIdentity } from '../state/host-identity.js';
import { record } from '../domain/record.js';
import { type CoordinatorClient } from './coordinator-client.js';
import { CoordinatorRefusal } from './coordinator-errors.js';

const FIRST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 15_000;
/** Pause after an answer that only an operator can change. */
export const LOCKED_OUT_PAUSE_MS = 30_000;

/**
 * Whether an answer to a call of this host means that it has to register again: it is forgotten, or locked out, which the
 * registration then tells the operator and tries slowly.
 */
export function needsRegistration(refusal: CoordinatorRefusal): boolean {
  return (refusal.status === 404 && !refusal.isUnknownRoute) || refusal.isLockedOut;
}

export interface RegistrationOptions {
  readonly client: CoordinatorClient;
  readonly identity: HostIdentity;
  /**
   * Cuts off claims that are under way and waits for them. A job that is granted while the host tells what it runs would
   * not be named, and be taken back although it runs.
   */
  readonly cutClaims: () => Promise<void>;
  /** What the host is at this moment, but for its id. */
  readonly describe: () => Omit<RegisterHostRequest, 'hostId'>;
  /** Called after each registration. */
  readonly onRegistered: () => void;
  readonly logger: Logger;
}

/**
 * Makes this host known to the coordinator, again and again until it is, and anew whenever the coordinator has forgotten
 * it. Keeps the credential that it may be given.
 */
export class Registration {
  private readonly stopping = new AbortController();
  private current: Promise<void> | undefined;
  private registered = false;

  constructor(private readonly options: RegistrationOptions) {}

  /** Whether the coordinator knows this host, as far as anyone has said. */
  get isRegistered(): boolean {
    return this.registered;
  }

  /**
   * Registers, now or by joining what is under way, and comes back when that has happened or `signal` fires, with which
   * the registration goes on. Never throws.
   */
  async renew(signal: AbortSignal): Promise<void> {
    this.registered = false;
    this.current ??= this.register(this.stopping.signal).finally(() => (this.current = undefined));
    const given = new AbortController();
    const givenUp = new Promise<void>((done) => {
      signal.addEventListener('abort', () => done(), { signal: given.signal });
      if (signal.aborted) done();
    });
    await Promise.race([this.current, givenUp]);
    given.abort();
  }

  /** Registers once more, so that the coordinator takes back what is not named in `activeJobs`. Throws when it cannot. */
  async handBack(): Promise<void> {
    await this.once(AbortSignal.timeout(1_000));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.current;
  }

  private async register(signal: AbortSignal): Promise<void> {
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        await this.once(signal);
        this.registered = true;
        this.options.logger.info(
          { hostId: this.options.identity.id, coordinator: this.options.client.url },
          'Registered with the coordinator.',
        );
        this.options.onRegistered();
        return;
      } catch (error) {
        if (isAborted(signal)) return;
        await this.pause(error, attempt, signal);
      }
    }
  }

  private async once(signal: AbortSignal): Promise<void> {
    const { identity, cutClaims, describe, client } = this.options;
    await cutClaims();
    const answer = await this.post({ hostId: identity.id, ...describe() }, signal);
    const { host, hostToken } = record(answer);
    const { id } = record(host);
    if (typeof id !== 'string') throw new Error('The answer to the registration names no host.');
    identity.accept(id, typeof hostToken === 'string' ? hostToken : undefined);
    client.hostToken = identity.token;
  }

  private async post(body: RegisterHostRequest, signal: AbortSignal): Promise<unknown> {
    const { client, identity } = this.options;
    try {
      return await client.post('/v1/hosts/register', body, { key: identity.registrationKey, signal });
    } catch (error) {
      // What this host is has changed since a registration that was taken, and whose answer was lost.
      if (!(error instanceof CoordinatorRefusal && error.status === 409)) throw error;
      identity.forgetRegistrationKey();
      return client.post('/v1/hosts/register', body, { key: identity.registrationKey, signal });
    }
  }

  /** Says what is in the way, and waits. */
  private async pause(error: unknown, attempt: number, signal: AbortSignal): Promise<void> {
    const { logger, client, identity } = this.options;
    const isFinal = error instanceof CoordinatorRefusal;
    const pauseMs = isFinal ? LOCKED_OUT_PAUSE_MS : backoffMs(attempt, FIRST_PAUSE_MS, MOST_PAUSE_MS);
    if (isFinal && error.isLockedOut) {
      logger.error(
        { coordinator: client.url, status: error.status },
        `The coordinator refuses this host (${error.reason}). SKYCLAW_TOKEN is missing or wrong` +
          `${identity.token === undefined ? '' : `, or the host's own token in ${identity.file} is no longer good`}. ` +
          `Trying again in ${pauseMs / 1_000} s.`,
      );
    } else {
      const level = isFinal ? 'error' : attempt === 1 || attempt % 10 === 0 ? 'warn' : 'debug';
      logger[level](
        { reason: error instanceof Error ? error.message : String(error) },
        'Not registered; trying again.',
      );
    }
    // Only the end of the daemon cuts the pause short.
    await wait(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Asked anew after something was awaited. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;
