import { Inject, Injectable } from '@nestjs/common';
import { Database, type Db } from '../../platform/database/database.js';
import { timeOrderedUuid } from '../../platform/ids/time-ordered-uuid.js';
import { type Logger } from '../../platform/logging/logger.js';
import { Problem } from '../../platform/problems/problem.js';
import { secretHash } from '../auth/index.js';
import { LOGGER } from '../runtime/index.js';
import {
  type ApiKey,
  insertKey,
  type KeyPlace,
  type KeyTerms,
  listKeys,
  type MadeKey,
  revokeKey,
  rotateKey,
} from './api-keys.queries.js';
import { apiKeySecrets } from './secrets.js';

/** A key that was made. Its secret is in this answer and nowhere else. */
export interface NewApiKey {
  readonly key: ApiKey;
  readonly secret: string;
}

/** Keys of the API, as operators make, rotate and revoke them. */
@Injectable()
export class ApiKeys {
  constructor(
    private readonly database: Database,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async create(db: Db, terms: KeyTerms): Promise<NewApiKey> {
    const { secret, made } = newKey();
    const key = await insertKey(db, made, terms);
    this.tell(db, key, 'An API key was made.');
    return { key, secret };
  }

  /** Makes a key with the same terms; the one before it works for `overlapSeconds` more. Throws when it cannot be used. */
  async rotate(db: Db, id: string, overlapSeconds: number): Promise<NewApiKey> {
    const { secret, made } = newKey();
    const key = await rotateKey(db, made, { id, overlapSeconds });
    if (key === null) throw new Problem('api-key-not-found', `No API key '${id}' that can be used`);
    this.tell(db, key, 'An API key was rotated.');
    return { key, secret };
  }

  /** Up to `limit` keys, newest first. */
  list(
    from: { readonly after: KeyPlace | null; readonly projectId: string | null },
    limit: number,
  ): Promise<ApiKey[]> {
    return listKeys(this.database, from, limit);
  }

  /** Takes a key out of use, for good and within a second. Throws when there is no such key. */
  async revoke(db: Db, id: string): Promise<ApiKey> {
    const key = await revokeKey(db, id);
    if (key === null) throw new Problem('api-key-not-found', `API key '${id}' not found`);
    this.tell(db, key, 'An API key was revoked.');
    return key;
  }

  private tell(db: Db, { id, label }: ApiKey, what: string): void {
    db.afterCommit(() => this.logger.info({ keyId: id, label }, what));
  }
}

function newKey(): { readonly secret: string; readonly made: MadeKey } {
  const secret = apiKeySecrets.make();
  const made = {
    id: `key_${timeOrderedUuid()}`,
    prefix: apiKeySecrets.shownPart(secret),
    hash: secretHash(secret),
  };
  return { secret, made };
}
