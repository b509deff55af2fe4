import { type Db } from '../../platform/database/database.js';
import { Problem } from '../../platform/problems/problem.js';

/** What the log has to know of services: whose output there is, and who prints it. */
export abstract class ServiceOutputs {
  /** The hosts that run replicas of a service, or have run those that are being replaced; null when there is none of this id. */
  abstract hostsOf(db: Db, serviceId: string): Promise<readonly string[] | null>;

  /** Those of `ids` that are no services (any more). */
  abstract goneAmong(db: Db, ids: readonly string[]): Promise<readonly string[]>;
}

/** Where there are no services. */
export class NoServices extends ServiceOutputs {
  hostsOf(): Promise<null> {
    return Promise.resolve(null);
  }

  goneAmong(_db: Db, ids: readonly string[]): Promise<readonly string[]> {
    return Promise.resolve(ids);
  }
}

export const serviceNotFound = (): Problem => new Problem('service-not-found', 'service not found');
