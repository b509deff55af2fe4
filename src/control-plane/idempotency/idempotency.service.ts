import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { Database, type Db, type Tx } from '../../platform/database/database.js';
import { type JsonObject } from '../../platform/database/row.js';
import { Problem } from '../../platform/problems/problem.js';
import { callerIdentity } from '../auth/index.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG } from '../runtime/index.js';
import { canonicalJson } from '../../platform/json/canonical-json.js';
import { pruneKeys, storeAnswer, takeKey } from './idempotency.queries.js';

const MAX_KEY_LENGTH = 255;
const sha256 = (value: string) => createHash('sha256').update(value).digest('hex');

interface Key {
  readonly scope: string;
  readonly key: string;
  readonly requestHash: string;
  readonly ttlMs: number;
  readonly route: string;
}

/**
 * The header `x-idempotency-key`: a mutation that is sent twice happens once, and both callers get the same answer, on
 * whatever replica. Keys belong to a caller and a route. A request that fails stores nothing, so it may be tried again.
 */
@Injectable()
export class IdempotencyService {
  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  /**
   * Runs `work`. With a key: in one transaction with the key's row, or not at all when the key has an answer. `stillGood`
   * may call an answer stale; the key then counts as new.
   */
  async run<T>(
    request: FastifyRequest,
    work: (db: Db) => Promise<T>,
    stillGood: (tx: Tx, answer: T) => Promise<boolean> = () => Promise.resolve(true),
  ): Promise<T> {
    const key = this.keyOf(request);
    if (key === null) return work(this.database);
    return this.database.transaction(async (tx) => {
      const taken = await takeKey(tx, key, null);
      refuseOtherRequest(key, taken.requestHash);
      if (taken.answered && (await stillGood(tx, taken.body as T))) return taken.body as T;
      const answer = await work(tx);
      await storeAnswer(tx, key.scope, key.key, answer);
      return answer;
    });
  }

  /**
   * The same for work that leaves the process, during which no transaction may be open. What makes the call repeatable
   * (`makeSeed`) is committed before it; a repetition while it is under way gets the same seed and makes the same call.
   */
  async runOutside<S extends JsonObject, T>(
    request: FastifyRequest,
    makeSeed: () => S,
    work: (seed: S) => Promise<T>,
  ): Promise<T> {
    const key = this.keyOf(request);
    if (key === null) return work(makeSeed());
    const taken = await takeKey(this.database, key, makeSeed());
    refuseOtherRequest(key, taken.requestHash);
    if (taken.answered) return taken.body as T;
    const answer = await work((taken.seed ?? makeSeed()) as S);
    await storeAnswer(this.database, key.scope, key.key, answer);
    return answer;
  }

  /** Deletes up to `limit` expired keys; returns how many. */
  prune(limit: number): Promise<number> {
    return pruneKeys(this.database, limit);
  }

  private keyOf(request: FastifyRequest): Key | null {
    const header = request.headers['x-idempotency-key'];
    const key = typeof header === 'string' ? header.trim() : '';
    if (key === '') return null;
    if (key.length > MAX_KEY_LENGTH) {
      throw new Problem('bad-request', `x-idempotency-key must have at most ${MAX_KEY_LENGTH} characters`);
    }
    const route = request.url.split('?', 1)[0] ?? '';
    return {
      scope: sha256(`${callerIdentity(request)}\n${route}`),
      key,
      requestHash: sha256(`${request.method} ${route}\n${canonicalJson(request.body ?? null)}`),
      ttlMs: this.config.idempotencyTtlMs,
      route,
    };
  }
}

function refuseOtherRequest({ requestHash, route }: Key, stored: string): void {
  if (stored !== requestHash) {
    throw new Problem('idempotency-conflict', `idempotency key reuse conflict for route ${route}`);
  }
}
