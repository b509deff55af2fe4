import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { CONNECT_TIMEOUT_MS } from '../../platform/database/connect.js';
import { Database, type Db, type Tx } from '../../platform/database/database.js';
import { DatabaseUnavailableError } from '../../platform/database/errors.js';
import { type JsonObject } from '../../platform/database/row.js';
import { Problem } from '../../platform/problems/problem.js';
import { Audit } from '../audit/index.js';
import { callerIdentity } from '../auth/index.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG } from '../runtime/index.js';
import { canonicalJson } from '../../platform/json/canonical-json.js';
import { Turns } from '../../platform/turns.js';
import { Aborted } from '../../platform/until-aborted.js';
import {
  addToSeed,
  dropFromSeed,
  keyIsUsed,
  markFailed,
  pruneKeys,
  storeAnswer,
  storeFirstAnswer,
  takeKey,
} from './idempotency.queries.js';
import { markReplayed } from './replay-header.js';

const MAX_KEY_LENGTH = 255;
const sha256 = (value: string) => createHash('sha256').update(value).digest('hex');

interface Key {
  readonly scope: string;
  readonly key: string;
  readonly requestHash: string;
  readonly ttlMs: number;
  readonly route: string;
}

/** What makes a call that leaves the process repeatable, kept with its key, or for this request only without one. */
export interface Seed<S extends JsonObject> {
  readonly value: S;
  /** Commits further fields before the call; what a repetition has committed already wins. Returns what counts. */
  add(fields: Partial<S>): Promise<S>;
  /** Takes a field back when it turned out to mean nothing. */
  drop(field: keyof S & string): Promise<void>;
}

/**
 * The header `x-idempotency-key`: a mutation that is sent twice happens once, and both callers get the same answer, on
 * whatever replica. Keys belong to a caller and a route. A request that fails stores nothing, so it may be tried again.
 */
@Injectable()
export class IdempotencyService {
  /**
   * Work that runs in its key's transaction may need a connection beside it. If such transactions could take the whole
   * pool, each would wait for a connection that only another could give back.
   */
  private readonly turns: Turns;

  constructor(
    private readonly database: Database,
    private readonly audit: Audit,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {
    this.turns = new Turns(Math.max(1, Math.floor(config.databasePoolSize / 2)));
  }

  /**
   * Runs `work`. With a key: in one transaction with the key's row, or not at all when the key has an answer. `stillGood`
   * may call an answer stale; the key then counts as new. What the audit trail tells of is one transaction with its entry.
   */
  async run<T>(
    request: FastifyRequest,
    work: (db: Db) => Promise<T>,
    stillGood: (tx: Tx, answer: T) => Promise<boolean> = () => Promise.resolve(true),
  ): Promise<T> {
    const key = this.keyOf(request);
    const isAct = this.audit.covers(request);
    const done = isAct ? (db: Db) => this.audit.around(db, request, work) : work;
    if (key === null) return isAct ? this.inTurn(() => done(this.database)) : work(this.database);
    return this.inTurn(() =>
      this.database.transaction((tx) => this.runOnce(tx, key, request, done, stillGood)),
    );
  }

  /**
   * Runs `work` when it is its turn. Waiting for a turn is waiting for a connection, and is given up as soon: who waits
   * longer has mostly gone, and would be served before those who are there.
   */
  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const patience = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
    try {
      return await this.turns.run(work, patience);
    } catch (error) {
      const hasWaitedInVain = error instanceof Aborted && error.reason === patience.reason;
      throw hasWaitedInVain ? new DatabaseUnavailableError(error) : error;
    }
  }

  /**
   * The same for work that leaves the process, during which no transaction may be open. What makes the call repeatable
   * (`makeSeed`) is committed before it; a repetition while it is under way, or after it has failed, gets the same seed
   * and makes the same call. The first answer is everybody's.
   */
  async runOutside<S extends JsonObject, T>(
    request: FastifyRequest,
    makeSeed: () => S,
    call: (seed: Seed<S>) => Promise<T>,
  ): Promise<T> {
    const work = async (seed: Seed<S>) => {
      if (this.audit.covers(request, 'before the work')) await this.audit.before(request);
      return call(seed);
    };
    const key = this.keyOf(request);
    if (key === null) return work(passingSeed(makeSeed()));
    const taken = await takeKey(this.database, key, makeSeed());
    refuseOtherRequest(key, taken.requestHash);
    if (taken.answered) {
      markReplayed(request);
      return taken.body as T;
    }
    let answer: T;
    try {
      answer = await work(this.keptSeed(key, (taken.seed ?? makeSeed()) as S));
    } catch (error) {
      // The caller should hear why the call failed, whether or not that can be written down.
      await markFailed(this.database, key).catch(() => undefined);
      throw error;
    }
    return storeFirstAnswer(this.database, key, answer);
  }

  /** Whether the key of a request has been used, so that `run` may answer it, or refuse it, for that. Writes nothing. */
  async isUsed(request: FastifyRequest): Promise<boolean> {
    const key = this.keyOf(request);
    return key !== null && keyIsUsed(this.database, key);
  }

  /** Deletes up to `limit` expired keys; returns how many. */
  prune(limit: number): Promise<number> {
    return pruneKeys(this.database, limit);
  }

  private keptSeed<S extends JsonObject>(key: Key, value: S): Seed<S> {
    return {
      value,
      add: async (fields) => ((await addToSeed(this.database, key, fields)) ?? { ...value, ...fields }) as S,
      drop: (field) => dropFromSeed(this.database, key, field),
    };
  }

  private async runOnce<T>(
    tx: Tx,
    key: Key,
    request: FastifyRequest,
    work: (db: Db) => Promise<T>,
    stillGood: (tx: Tx, answer: T) => Promise<boolean>,
  ): Promise<T> {
    const taken = await takeKey(tx, key, null);
    refuseOtherRequest(key, taken.requestHash);
    if (taken.answered && (await stillGood(tx, taken.body as T))) {
      markReplayed(request);
      return taken.body as T;
    }
    const answer = await work(tx);
    await storeAnswer(tx, key, answer);
    return answer;
  }

  private keyOf(request: FastifyRequest): Key | null {
    const key = idempotencyKeyOf(request);
    if (key === null) return null;
    const route = pathOf(request);
    return {
      scope: sha256(`${callerIdentity(request)}\n${route}`),
      key,
      requestHash: sha256(`${request.method} ${route}\n${canonicalJson(request.body ?? null)}`),
      ttlMs: this.config.idempotencyTtlMs,
      route,
    };
  }
}

/** The header `x-idempotency-key`; null when it is absent or empty. Throws when it is too long. */
export function idempotencyKeyOf({ headers }: FastifyRequest): string | null {
  const header = headers['x-idempotency-key'];
  const key = typeof header === 'string' ? header.trim() : '';
  if (key.length > MAX_KEY_LENGTH) {
    throw new Problem('bad-request', `x-idempotency-key must have at most ${MAX_KEY_LENGTH} characters`);
  }
  return key === '' ? null : key;
}

function passingSeed<S extends JsonObject>(value: S): Seed<S> {
  return {
    value,
    add: (fields) => Promise.resolve({ ...value, ...fields }),
    drop: () => Promise.resolve(),
  };
}

function refuseOtherRequest({ requestHash, route }: Key, stored: string): void {
  if (stored !== requestHash) {
    throw new Problem('idempotency-conflict', `idempotency key reuse conflict for route ${route}`);
  }
}

/** The route's path with the real ids in it, the same for every way to spell its URL. */
function pathOf({ routeOptions, params }: FastifyRequest): string {
  const values = params as Readonly<Record<string, string>>;
  return (routeOptions.url ?? '').replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(values[name] ?? ''),
  );
}
