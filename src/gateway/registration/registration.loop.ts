import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { type Logger } from '../../platform/logging/logger.js';
import { everyInterval } from '../../platform/loops/interval-clock.js';
import { Loop } from '../../platform/loops/loop.js';
import { productVersion } from '../../platform/product-version.js';
import { ControlPlaneClient, type Reply } from './control-plane-client.js';
import { defaultGatewayId, defaultPublicUrl } from './domain/identity.js';
import { settingsToMend, verdictOf } from './domain/verdict.js';
import { type RegistrationConfig } from './registration.config.js';

const FIRST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 30_000;
/** A goodbye is a courtesy: whoever does not hear it finds out by the next probe. */
const GOODBYE_MS = 1_000;
/** What every gateway can do, as the control plane seeds its own. */
const CAPABILITIES = ['execute_task', 'get_gateway_status', 'get_worker_status', 'list_sessions'];

export interface RegistrationOptions {
  readonly config: RegistrationConfig;
  /** Where the gateway listens. */
  readonly url: string;
  /** How many actions run at the moment. */
  readonly load: () => number;
  readonly logger: Logger;
}

/**
 * Makes the gateway known to the control plane, keeps it informed by heartbeats, and registers anew when it has been
 * forgotten. What it says counts for nothing but load and version: whether the gateway can be reached and has an executor
 * is for the control plane's probes.
 *
 * A control plane that is away is asked again after half a second, doubling to 30 s; so is one that refuses, as an operator
 * may mend either side. Each trouble is told once.
 */
export class RegistrationLoop extends Loop {
  readonly gatewayId: string;
  private readonly client: ControlPlaneClient;
  private readonly publicUrl: string;
  private registered = false;
  private toldTrouble: string | undefined;

  constructor(private readonly options: RegistrationOptions) {
    const { config, url, logger } = options;
    super({ name: 'registration', intervalMs: config.heartbeatMs, logger }, everyInterval);
    this.client = new ControlPlaneClient(config);
    this.publicUrl = config.publicUrl ?? defaultPublicUrl(url, hostname());
    this.gatewayId = config.gatewayId ?? defaultGatewayId(hostname(), new URL(url).port);
  }

  /** Ends the heartbeats and says goodbye, so that nothing more is sent here. Never throws; takes a second at most. */
  async leave(): Promise<void> {
    await this.stop();
    if (this.registered) {
      const goodbye = this.heartbeat('offline', AbortSignal.timeout(GOODBYE_MS));
      await goodbye.catch((error: unknown) =>
        this.logger.debug({ err: error }, 'The control plane did not hear the goodbye.'),
      );
    }
    await this.client.close();
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    if (this.registered) {
      const reply = await this.heartbeat('online', signal);
      const verdict = verdictOf(reply.status);
      if (verdict === 'taken') return;
      if (verdict === 'later')
        throw new Error(`The control plane answers a heartbeat with ${described(reply)}.`);
      this.registered = false;
      this.logger.warn({ gatewayId: this.gatewayId, status: reply.status }, 'Registering again.');
    }
    await this.register(signal);
  }

  /** Comes back when the gateway is registered or `signal` fires. */
  private async register(signal: AbortSignal): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(MOST_PAUSE_MS, 2 * pauseMs)) {
      const trouble = await this.tryToRegister(signal);
      if (trouble === undefined || isAborted(signal)) return;
      this.tell(trouble);
      await wait(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** What is in the way; undefined when nothing was. */
  private async tryToRegister(signal: AbortSignal): Promise<string | undefined> {
    const { config } = this.options;
    let reply: Reply;
    try {
      reply = await this.client.post(
        '/v1/register-gateway',
        {
          gateway_id: this.gatewayId,
          host: this.publicUrl,
          capabilities: CAPABILITIES,
          status: 'online',
          metadata: { source: 'gateway' },
          ...this.report(),
        },
        signal,
      );
    } catch (error) {
      return `it cannot be reached (${describedError(error)})`;
    }
    const verdict = verdictOf(reply.status);
    if (verdict === 'later') return `it answers ${described(reply)}`;
    if (verdict !== 'taken') return `it answers ${described(reply)}: ${settingsToMend(reply.status)}`;
    this.registered = true;
    this.toldTrouble = undefined;
    this.logger.info(
      { gatewayId: this.gatewayId, publicUrl: this.publicUrl, controlPlane: config.controlPlaneUrl },
      'Registered with the control plane.',
    );
    return undefined;
  }

  private tell(trouble: string): void {
    const level = trouble === this.toldTrouble ? 'debug' : 'warn';
    this.toldTrouble = trouble;
    this.logger[level](
      { gatewayId: this.gatewayId, controlPlane: this.options.config.controlPlaneUrl },
      `Not registered with the control plane: ${trouble}. Trying on.`,
    );
  }

  private heartbeat(status: 'online' | 'offline', signal: AbortSignal): Promise<Reply> {
    const path = `/v1/gateways/${encodeURIComponent(this.gatewayId)}/heartbeat`;
    return this.client.post(path, { status, ...this.report() }, signal);
  }

  private report(): { readonly version: string; readonly slots: number; readonly load: number } {
    return { version: productVersion, slots: this.options.config.slots, load: this.options.load() };
  }
}

/** Asked anew after something was awaited. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

const described = ({ status, detail }: Reply) => (detail === '' ? String(status) : `${status} ${detail}`);

function describedError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
