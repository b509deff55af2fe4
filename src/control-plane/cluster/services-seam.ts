import { Injectable } from '@nestjs/common';
import { type Service } from '../../contracts/skyclaw.js';
import { type Tx } from '../../platform/database/database.js';
import { type Standing } from './domain/stamp.js';
import { type ServiceRecord } from './snapshot/service-record.js';

/**
 * What the cluster asks of whoever owns the services: to show them all, and to take in those of another coordinator. To be
 * provided under this class by the module that wires the two together.
 */
export abstract class ClusterServices {
  /** All services by the time of their making, with the values of their environments hidden. */
  abstract list(): Promise<readonly Service[]>;

  /** How those of `ids` that are here stand, locked until the transaction ends. */
  abstract standings(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, Standing>>;

  /** Writes services whose ids are free; the marks of those that were written. */
  abstract add(tx: Tx, services: readonly ServiceRecord[]): Promise<ReadonlyMap<string, string>>;

  /** Writes services over those of the same ids; the marks of those that were written. */
  abstract replace(tx: Tx, services: readonly ServiceRecord[]): Promise<ReadonlyMap<string, string>>;
}

/** A control plane that runs no services: none are shown, and those of a snapshot are left out. */
@Injectable()
export class NoServices extends ClusterServices {
  override list(): Promise<readonly Service[]> {
    return Promise.resolve([]);
  }

  override standings(): Promise<ReadonlyMap<string, Standing>> {
    return Promise.resolve(new Map());
  }

  override add(): Promise<ReadonlyMap<string, string>> {
    return Promise.resolve(new Map());
  }

  override replace(): Promise<ReadonlyMap<string, string>> {
    return Promise.resolve(new Map());
  }
}
