import { Injectable } from '@nestjs/common';
import { type Tx } from '../../platform/database/database.js';
import { Deployments, nameInUse } from './deployments.service.js';
import { deploy, newDeployment, stop, type Wish } from './domain/deploy.js';
import { type Deployment, type Moment } from './domain/deployment.js';
import { isNameTaken, listDeployments, lockDeployment } from './services.queries.js';

/** A service as another coordinator had it. Who ran it there is not taken over: hosts of this one will ask for it. */
export interface ForeignService extends Wish {
  readonly isStopped: boolean;
  /** Nothing of it ran there. */
  readonly hasFailed: boolean;
  readonly createdAt: Moment;
  readonly updatedBy: string;
}

/** A service as it was taken in. */
export interface WrittenService {
  readonly version: number;
  /** Not its own where another service has that: then what had failed there is stopped. */
  readonly name: string;
  readonly isStopped: boolean;
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

  /** Stores a service whose id is free. */
  async add(tx: Tx, service: ForeignService): Promise<WrittenService> {
    const { createdAt, updatedBy } = service;
    const { wish, isStopped } = await this.named(tx, service);
    const made = await this.deployments.add(tx, (now) => {
      const deployment = newDeployment(wish, now, updatedBy);
      const aged = { ...deployment, service: { ...deployment.service, createdAt } };
      return isStopped ? stop(aged, now) : aged;
    });
    if (made === null) throw nameInUse();
    return { version: made.service.version, name: wish.name, isStopped };
  }

  /** Deploys a service that is here as the other coordinator has it by now. */
  async replace(tx: Tx, service: ForeignService): Promise<WrittenService> {
    const { wish, isStopped } = await this.named(tx, service);
    const step = (deployment: Deployment, { now }: { readonly now: Moment }) => {
      const deployed = deploy(deployment, wish, now);
      return isStopped ? stop(deployed, now) : deployed;
    };
    const changed = await this.deployments.change(tx, wish.id, step);
    if (changed === null) throw new Error(`Service ${wish.id} vanished while it was locked.`);
    return { version: changed.service.version, name: wish.name, isStopped };
  }

  /** Two services of one name were allowed there: whoever comes later gets one made of name and id. */
  private async named(tx: Tx, { id, name, replicas, spec, isStopped, hasFailed }: ForeignService) {
    const isTaken = await isNameTaken(tx, name, id);
    const wish = { id, name: isTaken ? nameBeside(name, id) : name, replicas, spec };
    return { wish, isStopped: isStopped || (isTaken && hasFailed) };
  }
}

const MAX_NAME_LENGTH = 200;

/** The name of a service whose own another has. */
function nameBeside(name: string, id: string): string {
  const room = MAX_NAME_LENGTH - id.length - ' ()'.length;
  return room < 1 ? id : `${name.slice(0, room)} (${id})`;
}
