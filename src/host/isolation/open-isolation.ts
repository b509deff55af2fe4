import { type HostConfig } from '../host.config.js';
import { type Commands } from '../runner/commands.js';
import { type StateDir } from '../../platform/state-dir/state-dir.js';
import { type Isolation } from './isolation.js';
import { NoIsolation } from './no-isolation.js';
import { PodmanEngine } from './podman-engine.js';
import { PodmanIsolation } from './podman-isolation.js';

export interface OpenIsolationOptions {
  readonly config: HostConfig;
  readonly state: StateDir;
  readonly commands: Commands;
  readonly daemonEnv: Readonly<Record<string, string | undefined>>;
}

/** The isolation that is configured. Throws a ConfigError when this machine cannot give it: less is never taken. */
export async function openIsolation({
  config,
  state,
  commands,
  daemonEnv,
}: OpenIsolationOptions): Promise<Isolation> {
  const { podman, workRoot, passEnv, services } = config;
  if (podman === undefined) return new NoIsolation({ commands, workRoot, passEnv, daemonEnv });
  return new PodmanIsolation({
    engine: await PodmanEngine.open(podman, daemonEnv),
    config: podman,
    state,
    workRoot,
    passEnv,
    daemonEnv,
    publishAddress: publishAddress(services?.publicBaseUrl),
  });
}

/** Services that are announced on loopback are for this machine only. */
function publishAddress(publicBaseUrl: string | undefined): string {
  const { hostname } = new URL(publicBaseUrl ?? 'http://127.0.0.1');
  return hostname === 'localhost' || hostname.startsWith('127.') || hostname === '[::1]'
    ? '127.0.0.1'
    : '0.0.0.0';
}
