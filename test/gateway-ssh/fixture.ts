import { type RunningGateway } from '../../src/gateway/index.js';
import { eventually } from '../support/eventually.js';
import { type StartOptions, GatewayFixture } from '../gateway/fixture.js';
import { Sshd } from './sshd.js';

/** What `GET /status` says. */
export async function statusOf(at: RunningGateway): Promise<Record<string, unknown>> {
  return (await (await fetch(`${at.url}/status`)).json()) as Record<string, unknown>;
}

export function untilHealthy(at: RunningGateway, isHealthy = true): Promise<unknown> {
  return eventually(`SSH is ${isHealthy ? '' : 'not '}healthy`, async () =>
    (await statusOf(at))['ssh_fallback_healthy'] === isHealthy ? true : undefined,
  );
}

/** A host behind SSH and the gateways that a test starts in front of it. */
export class SshFixture {
  private constructor(
    readonly gateways: GatewayFixture,
    readonly sshd: Sshd,
  ) {}

  static async create(): Promise<SshFixture> {
    return new SshFixture(await GatewayFixture.create(), await Sshd.start());
  }

  get root(): string {
    return this.gateways.root;
  }

  /** A gateway that may execute over SSH in the test's folder, and nowhere else. */
  start({ env = {}, config = {} }: StartOptions = {}): Promise<RunningGateway> {
    return this.gateways.start({ env: this.env(env), config });
  }

  env(more: Record<string, string> = {}): Record<string, string> {
    return this.sshd.env({
      OPENCLAW_SSH_ALLOWED_ROOTS: this.root,
      SKYNET_ALLOWED_ROOTS: ';',
      ...more,
    });
  }

  async close(): Promise<void> {
    await this.gateways.close();
    await this.sshd.close();
  }
}
