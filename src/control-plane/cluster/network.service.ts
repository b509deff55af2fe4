import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG, REPLICA } from '../runtime/index.js';
import { join, listUrls } from './cluster.queries.js';
import { baseUrl, peerList } from './domain/base-url.js';

/** Whom a client may talk to beside this replica. */
export interface Network {
  readonly nodeId: string;
  readonly self?: string;
  readonly peers: readonly string[];
}

/** The address book: live replicas, configured addresses, and those that were announced. */
@Injectable()
export class NetworkService {
  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(REPLICA) private readonly replica: string,
  ) {}

  async show(): Promise<Network> {
    const { publicUrl, peerUrls } = this.config.cluster;
    const urls = await listUrls(this.database, this.replica);
    return {
      nodeId: this.config.skyclaw.nodeId,
      ...(publicUrl === undefined ? {} : { self: publicUrl }),
      peers: peerList([...urls, ...peerUrls], publicUrl),
    };
  }

  /** Notes an address. It is told to those who ask, and never called. Throws for anything but an http(s) URL. */
  async join(raw: string | null): Promise<Network> {
    if (raw === null || raw.trim() === '') throw new Problem('bad-request', 'url is required');
    const url = baseUrl(raw);
    if (url === null)
      throw new Problem('bad-request', 'url must be an http or https URL without credentials');
    if (url !== this.config.cluster.publicUrl) await this.database.transaction((tx) => join(tx, url));
    return this.show();
  }
}
