import { Injectable } from '@nestjs/common';
import { Database, type Db } from '../../platform/database/database.js';
import { serviceState } from './service-view.js';
import { type ServiceState } from './services.dto.js';
import { listDeployments, listServiceIds } from './services.queries.js';

const PAGE = 500;

/** Questions that others ask about services. Nothing here changes anything. */
@Injectable()
export class ServicesReader {
  constructor(private readonly database: Database) {}

  /** The hosts that run replicas of a service, or may still run those that are to end; null when there is no such service. */
  async hostsOf(db: Db, id: string): Promise<readonly string[] | null> {
    const [deployment] = await listDeployments(db, [id]);
    if (deployment?.service.deletedAt !== null) return null;
    return [...new Set(deployment.assignments.map(({ hostId }) => hostId))];
  }

  /** Those of `ids` that are no services, or no longer. */
  async goneAmong(db: Db, ids: readonly string[]): Promise<string[]> {
    const known = (await listDeployments(db, ids)).filter(({ service }) => service.deletedAt === null);
    return ids.filter((id) => !known.some(({ service }) => service.id === id));
  }

  /** All services by creation, with the values of their environments masked. */
  async listAll(): Promise<ServiceState[]> {
    const states: ServiceState[] = [];
    for (let after: Parameters<typeof listServiceIds>[1] = null; ;) {
      const page = await listDeployments(this.database, await listServiceIds(this.database, after, PAGE));
      states.push(...page.map((deployment) => serviceState(deployment)));
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return states;
      after = last.service;
    }
  }
}
