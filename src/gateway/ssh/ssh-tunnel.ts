import { type LeaseViolationPolicy } from '../../actions/index.js';
import { type GatewayStatus } from '../../contracts/gateway-api.js';
import { type Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type Loop } from '../../platform/loops/loop.js';
import { type Executor } from '../executors/executor.js';
import { SshLink } from './connection/link.js';
import { SshHealthLoop } from './health.loop.js';
import { HostKeys } from './host-keys/host-keys.js';
import { MissingSshExecutor } from './missing-ssh-executor.js';
import { type SshConfig, type SshTarget } from './ssh.config.js';
import { SshExecutor } from './ssh-executor.js';

export type SshStatus = Pick<
  GatewayStatus,
  'ssh_fallback_enabled' | 'ssh_fallback_healthy' | 'ssh_fallback_target' | 'execution_mode'
>;

export interface SshTunnelParts {
  readonly database: Database;
  readonly logger: Logger;
  /** The gateway's own machine, for what needs nothing of the host. */
  readonly local: Pick<Executor, 'run'>;
  /** What is made of writes outside of a lease; nobody sees them on the host. */
  readonly leaseViolationPolicy: LeaseViolationPolicy;
}

/** The way to a host behind SSH, with all that keeps it up. */
export class SshTunnel {
  /** What carries actions out over it; undefined when there is no such way. */
  readonly executor: Executor | undefined;
  readonly loops: readonly Loop[];
  private readonly link: SshLink | undefined;
  private readonly health: SshHealthLoop | undefined;
  private readonly target: SshTarget | undefined;

  constructor(
    private readonly config: SshConfig,
    { database, logger, local, leaseViolationPolicy }: SshTunnelParts,
  ) {
    const { target, forced } = config;
    this.target = target;
    if (target === undefined) {
      this.executor = forced ? new MissingSshExecutor() : undefined;
      this.loops = [];
      return;
    }
    const { host, port, pinnedHostKeys: pinned, knownHostsPath, strictHostKey: strict } = target;
    const hostKeys = new HostKeys({ host, port, pinned, knownHostsPath, strict }, database, logger);
    this.link = new SshLink(target, hostKeys);
    this.executor = new SshExecutor({
      ...{ target, link: this.link, logger },
      ...{ gateway: local, leaseViolationPolicy },
    });
    this.health = new SshHealthLoop(this.link, target, logger);
    this.loops = [this.health];
  }

  /** Whether it is the only way, whether it is there or not. */
  get isForced(): boolean {
    return this.config.forced;
  }

  /** What `GET /status` says of it: what is known, without asking anybody. */
  status(): SshStatus {
    return {
      ssh_fallback_enabled: this.target !== undefined,
      ssh_fallback_healthy: this.health?.isHealthy ?? false,
      ssh_fallback_target:
        this.target === undefined ? null : `${this.target.user}@${this.target.host}:${this.target.port}`,
      execution_mode: this.config.forced ? 'ssh_tunnel' : 'agent_preferred',
    };
  }

  close(): void {
    this.link?.close();
  }
}
