import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database, type Db } from '../../platform/database/database.js';
import { Problem } from '../../platform/problems/problem.js';
import { Deployments, nameInUse } from './deployments.service.js';
import { deploy, newDeployment, remove, restart, scale, stop, type Wish } from './domain/deploy.js';
import { type Deployment, type ServiceRecord } from './domain/deployment.js';
import { listDeployments, listServiceIds, routingVersion } from './services.queries.js';

/** What operators do with services. */
@Injectable()
export class ServicesService {
  constructor(
    private readonly database: Database,
    private readonly deployments: Deployments,
  ) {}

  /** Deploys a service, a new one or one that is there. An empty id: one is made. Throws when the name belongs to another. */
  async deploy(db: Db, wish: Wish): Promise<Deployment> {
    const named = wish.id === '' ? { ...wish, id: `svc_${randomUUID()}` } : wish;
    return db.transaction(async (tx) => {
      const made = await this.deployments.add(tx, (now, updatedBy) => newDeployment(named, now, updatedBy));
      if (made !== null) return made;
      const changed = await this.deployments.change(tx, named.id, (deployment, { now }) =>
        deploy(deployment, named, now),
      );
      // Nobody has the id, so it is the name that is taken.
      if (changed === null) throw nameInUse();
      return changed;
    });
  }

  stop(db: Db, id: string): Promise<Deployment> {
    return this.change(db, id, (deployment, { now }) => stop(deployment, now));
  }

  /** Stops a service and takes it from the lists at once; it is forgotten when its processes are gone. */
  async remove(db: Db, id: string): Promise<Deployment> {
    return this.change(db, id, (deployment, { now }) => remove(deployment, now));
  }

  scale(db: Db, id: string, replicas: number): Promise<Deployment> {
    return this.change(db, id, (deployment) => scale(deployment, replicas));
  }

  restart(db: Db, id: string): Promise<Deployment> {
    return this.change(db, id, (deployment, { now }) => {
      if (deployment.service.stoppedAt !== null) {
        throw new Problem('service-stopped', `service ${id} is stopped; deploy it again to start it`);
      }
      return restart(deployment, now);
    });
  }

  /** Throws when there is none. */
  async get(id: string): Promise<Deployment> {
    const [deployment] = await listDeployments(this.database, [id]);
    if (deployment?.service.deletedAt !== null) throw serviceNotFound();
    return deployment;
  }

  /** Services by creation, after one. */
  async list(
    after: Pick<ServiceRecord, 'createdAt' | 'id'> | null,
    limit: number,
    db: Db = this.database,
  ): Promise<Deployment[]> {
    return listDeployments(db, await listServiceIds(db, after, limit));
  }

  /** A text that differs when anything differs by which requests are routed to services. */
  routingVersion(): Promise<string> {
    return routingVersion(this.database);
  }

  private async change(db: Db, id: string, step: Parameters<Deployments['change']>[2]): Promise<Deployment> {
    const changed = await this.deployments.change(db, id, (deployment, circumstances) => {
      if (deployment.service.deletedAt !== null) throw serviceNotFound();
      return step(deployment, circumstances);
    });
    if (changed === null) throw serviceNotFound();
    return changed;
  }
}

function serviceNotFound(): Problem {
  return new Problem('service-not-found', 'service not found');
}
