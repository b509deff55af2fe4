import { Inject, Injectable } from '@nestjs/common';
import { Database, type Db } from '../../platform/database/database.js';
import { type Instant } from '../../platform/database/row.js';
import { timeOrderedUuid } from '../../platform/ids/time-ordered-uuid.js';
import { type Logger } from '../../platform/logging/logger.js';
import { Problem } from '../../platform/problems/problem.js';
import { secretHash } from '../auth/index.js';
import { LOGGER } from '../runtime/index.js';
import { insertKey, listKeys, type NewKey, revokeKey, type StoredKey } from './keys.queries.js';
import { publicSecrets } from './secrets.js';

/** Keys of the database, as operators make and revoke them. */
@Injectable()
export class PublicKeys {
  constructor(
    private readonly database: Database,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Makes a key. Its secret is in this answer and nowhere else. */
  async create(db: Db, key: NewKey): Promise<{ readonly key: StoredKey; readonly secret: string }> {
    const secret = publicSecrets.make();
    const made = {
      id: `key_${timeOrderedUuid()}`,
      prefix: publicSecrets.shownPart(secret),
      hash: secretHash(secret),
    };
    const stored = await insertKey(db, made, key);
    db.afterCommit(() =>
      this.logger.info({ keyId: stored.id, label: stored.label }, 'A public key was made.'),
    );
    return { key: stored, secret };
  }

  /** Up to `limit` keys, newest first. */
  list(
    after: { readonly createdAt: Instant; readonly id: string } | null,
    limit: number,
  ): Promise<StoredKey[]> {
    return listKeys(this.database, after, limit);
  }

  /** Takes a key out of use, for good and within a second. Throws when there is no such key. */
  async revoke(db: Db, id: string): Promise<StoredKey> {
    const key = await revokeKey(db, id);
    if (key === null) throw new Problem('public-key-not-found', `Public key '${id}' not found`);
    db.afterCommit(() => this.logger.info({ keyId: key.id, label: key.label }, 'A public key was revoked.'));
    return key;
  }
}
