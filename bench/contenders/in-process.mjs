// Peers that are libraries: server and load are one process, which is what their users run.
import { databaseOf } from '../lib/cluster.mjs';
import { Contender, NotThere } from '../lib/contender.mjs';
import { peerNode } from '../lib/runtime.mjs';

export class InProcess extends Contender {
  #program;
  #options;

  /**
   * @param {string} name @param {import('../lib/cluster.mjs').Cluster} cluster
   * @param {string} program a file of `programs/` @param {object} [options] handed to its `connect`
   */
  constructor(name, cluster, program, options = {}) {
    super(name, cluster, databaseOf(name));
    this.#program = program;
    this.#options = options;
  }

  async start() {
    const node = peerNode();
    if (node === null)
      throw new NotThere('skipped: needs Node.js 22.18, and the package `node` was not set up');
    const url = await this.cluster.freshDatabase(this.database);
    this.launch(this.#program, node);
    await this.call('connect', { url, ...this.#options });
  }
}
