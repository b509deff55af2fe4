import { Injectable } from '@nestjs/common';
import { type Tx } from '../../platform/database/database.js';
import { Problem } from '../../platform/problems/problem.js';
import { Deployments } from './deployments.service.js';
import { deploy, newDeployment, stop, type Wish } from './domain/deploy.js';
import { type Deployment, type Moment } from './domain/deployment.js';
import { listDeployments, lockDeployment } from './services.queries.js';

/** A service as another coordinator had it. Who ran it there is not taken over: hosts of this one will ask for it. */
export interface ForeignService extends Wish {
  readonly isStopped: boolean;
  readonly createdAt: Moment;
  readonly updatedBy: string;
}

/** Takes in services of another coordinator, with their ids and times. */
@Injectable()
export class ServicesImport {
  constructor(private readonly deployments: Deployments) {}

  /** The versions of those of `ids` that are here, locked until the transaction ends. */
  async versions(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const known = await listDeployments(tx, [...ids].sort());
    const versions = new Map<string, number>();
    for (const { service } of known) {
      const locked = await lockDeployment(tx, service.id, { skipLocked: false });
      if (locked !== null) versions.set(service.id, locked.service.version);
    }
    return versions;
  }

  /** Stores a service whose id is free; its version. Throws when its name belongs to another that lives here. */
  async add(tx: Tx, { isStopped, createdAt, updatedBy, ...wish }: ForeignService): Promise<number> {
    const made = await this.deployments.add(tx, (now) => {
      const deployment = newDeployment(wish, now, updatedBy);
      const aged = { ...deployment, service: { ...deployment.service, createdAt } };
      return isStopped ? stop(aged, now) : aged;
    });
    if (made === null) {
      const detail = `services: the name '${wish.name}' of ${wish.id} belongs to another service here`;
      throw new Problem('bad-request', detail);
    }
    return made.service.version;
  }

  /** Deploys a service that is here as the other coordinator has it by now; its version. */
  async replace(tx: Tx, { isStopped, ...wish }: ForeignService): Promise<number> {
    const step = (deployment: Deployment, { now }: { readonly now: Moment }) => {
      const deployed = deploy(deployment, wish, now);
      return isStopped ? stop(deployed, now) : deployed;
    };
    const changed = await this.deployments.change(tx, wish.id, step);
    if (changed === null) throw new Error(`Service ${wish.id} vanished while it was locked.`);
    return changed.service.version;
  }
}
