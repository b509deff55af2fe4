import { Inject, Injectable } from '@nestjs/common';
import { Believed } from '../../platform/believed.js';
import { Coalescer } from '../../platform/coalescing/coalescer.js';
import { Database } from '../../platform/database/database.js';
import { DatabaseUnavailableError } from '../../platform/database/errors.js';
import { Problem } from '../../platform/problems/problem.js';
import { secretHash } from '../auth/index.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG } from '../runtime/index.js';
import { type PublicKey } from './domain/public-key.js';
import { findUsableKey, isAnyKeyThere } from './keys.queries.js';
import { KeyUseLoop } from './key-use.loop.js';
import { publicSecrets } from './secrets.js';
import { countRequests, type RequestsOfKey } from './usage.queries.js';

/** How long what was read of a key is believed: a revoked one stops within it. */
const BELIEVED_MS = 1_000;
const MAX_BATCH = 500;

/** How a key stands with its limit of requests in a minute. */
export interface KeyRate {
  readonly limit: number;
  readonly remaining: number;
  readonly resetSeconds: number;
}

/** Who may call the public API, and how often. */
@Injectable()
export class PublicAccess {
  /** By the hash of the secret. */
  private readonly configured: ReadonlyMap<string, PublicKey>;
  private readonly stored = new Believed<PublicKey | null>(BELIEVED_MS);
  private readonly counts: Coalescer<string, RequestsOfKey>;
  private isAnyKeyThere = false;

  constructor(
    private readonly database: Database,
    private readonly use: KeyUseLoop,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {
    this.configured = new Map(
      config.publicApi.keys.map(({ secret, label, capabilities, shell }) => {
        const hash = secretHash(secret);
        return [
          hash,
          {
            ...{ id: `env_${hash}`, label, capabilities, shell, image: false, network: false },
            ...{ ratePerMinute: null, monthlyJobs: null, price: null, isCounted: false },
          },
        ];
      }),
    );
    this.counts = new Coalescer({
      run: (keyIds) => this.countAll(keyIds),
      ...{ maxWeight: MAX_BATCH, maxRuns: 1 },
      concernsAll: (error) => error instanceof DatabaseUnavailableError,
    });
  }

  /**
   * The key that a secret belongs to, for one request more; `tell` hears how it stands with its limit, if it has one.
   * Throws when it opens nothing, or has been used too often.
   */
  async admit(secret: string, tell: (rate: KeyRate) => void): Promise<PublicKey> {
    const key = await this.find(secret);
    if (key === null) {
      if (!(await this.isEnabled())) throw new Problem('public-api-disabled', 'public api is disabled');
      throw new Problem('public-key-invalid', 'invalid api key', {
        headers: { 'www-authenticate': 'Bearer' },
      });
    }
    if (key.isCounted) this.use.note(key.id);
    const limit = key.ratePerMinute ?? this.config.publicApi.ratePerMinute;
    if (limit > 0) {
      const { requests, secondsLeft } = await this.counts.submit(key.id);
      tell({ limit, remaining: limit - requests, resetSeconds: secondsLeft });
      if (requests > limit) {
        throw new Problem('rate-limited', 'Rate limit exceeded', { retryAfterSeconds: secondsLeft });
      }
    }
    return key;
  }

  private async find(secret: string): Promise<PublicKey | null> {
    if (secret === '') return null;
    const hash = secretHash(secret);
    const configured = this.configured.get(hash);
    if (configured !== undefined) return configured;
    if (!publicSecrets.mayBe(secret)) return null;
    return this.stored.of(hash, () => findUsableKey(this.database, hash));
  }

  /** Keys are revoked, never deleted: once there was one, the API stays open. */
  private async isEnabled(): Promise<boolean> {
    if (this.configured.size > 0) return true;
    this.isAnyKeyThere ||= await isAnyKeyThere(this.database);
    return this.isAnyKeyThere;
  }

  /** Requests that come together share a statement; each gets its own place in the count. */
  private async countAll(keyIds: readonly string[]): Promise<RequestsOfKey[]> {
    const asked = new Map<string, number>();
    for (const id of keyIds) asked.set(id, (asked.get(id) ?? 0) + 1);
    const counted = new Map((await countRequests(this.database, asked)).map((one) => [one.keyId, one]));
    return keyIds.map((id) => {
      const one = counted.get(id);
      if (one === undefined) throw new Error('A key was not counted.');
      const left = asked.get(id) ?? 0;
      asked.set(id, left - 1);
      return { ...one, requests: one.requests - left + 1 };
    });
  }
}
