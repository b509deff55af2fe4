import { type Duplex } from 'node:stream';
import { Client, Pool } from 'undici';
import { guardedLookup } from '../../platform/addresses/guarded-lookup.js';
import { type EndpointAddress } from '../domain/endpoint-address.js';
import { Health } from '../domain/health.js';

export interface EndpointOptions {
  readonly connectTimeoutMs: number;
  readonly maxHeaderBytes: number;
}

/** Less than most servers keep an idle connection, so that a request rarely meets one that is just closing. */
const KEEP_IDLE_MS = 4_000;

/**
 * A process of a service, from its appearance in the list to its end. As many connections as there are requests at once;
 * idle ones are kept for a while. Time limits are the caller's.
 */
export class Endpoint {
  readonly health = new Health();
  readonly pool: Pool;
  private readonly prober: Client;
  private readonly tunnels = new Set<Duplex>();

  constructor(
    readonly key: string,
    readonly address: EndpointAddress,
    { connectTimeoutMs, maxHeaderBytes }: EndpointOptions,
  ) {
    const connect = { timeout: connectTimeoutMs, lookup: guardedLookup };
    const limits = { maxHeaderSize: maxHeaderBytes, headersTimeout: 0, bodyTimeout: 0 };
    this.pool = new Pool(address.origin, { ...limits, connect, keepAliveTimeout: KEEP_IDLE_MS });
    // Every probe makes a connection of its own: one that was made before says little about whether the port is open.
    this.prober = new Client(address.origin, { ...limits, connect, pipelining: 0 });
  }

  /** Open connections to it. */
  get connections(): number {
    return this.pool.stats.connected + this.tunnels.size;
  }

  /** The status that a GET of `path` is answered with. Throws when there is no answer in time. */
  async probe(path: string, timeoutMs: number): Promise<number> {
    const { statusCode, body } = await this.prober.request({
      method: 'GET',
      path: this.address.basePath + (path.startsWith('/') ? path : `/${path}`),
      headers: { 'user-agent': 'skyclaw-gateway' },
      signal: AbortSignal.timeout(timeoutMs),
    });
    body.on('error', () => undefined);
    body.destroy();
    return statusCode;
  }

  /** Counts a connection that is a tunnel, until it closes. */
  hold(tunnel: Duplex): void {
    this.tunnels.add(tunnel);
    tunnel.once('close', () => this.tunnels.delete(tunnel));
  }

  /** Takes nothing new, lets what is under way end, and cuts what is left after the grace. */
  retire(graceMs: number): void {
    void this.prober.destroy();
    void this.pool.close();
    setTimeout(() => this.cut(), graceMs).unref();
  }

  /** Ends everything at once. May be called twice. */
  cut(): void {
    for (const tunnel of this.tunnels) tunnel.destroy();
    void this.prober.destroy();
    void this.pool.destroy();
  }
}
