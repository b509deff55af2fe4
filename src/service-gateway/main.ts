import { type Logger } from '../platform/logging/logger.js';
import { CoordinatorClient } from './coordinator/coordinator-client.js';
import { RefreshLoop } from './coordinator/refresh.loop.js';
import { WatchLoop } from './coordinator/watch.loop.js';
import { GatewayServer } from './http/gateway-server.js';
import { TrustedProxies } from './http/trusted-proxies.js';
import { Tunnels } from './http/tunnels.js';
import { GatewayMetrics } from './metrics/gateway-metrics.js';
import { ProbeLoop } from './probes/probe.loop.js';
import { type ServiceGatewayConfig } from './service-gateway.config.js';
import { ServiceTable } from './services/service-table.js';

export interface ServiceGatewayOptions {
  readonly config: ServiceGatewayConfig;
  readonly logger: Logger;
}

export interface RunningServiceGateway {
  readonly url: string;
  /** Whether the first look at the list was a good one. It goes on looking in any case. */
  readonly knowsServices: boolean;
  /** Takes nothing new, lets what is under way end, then cuts what is left. May be called twice. */
  close(): Promise<void>;
}

/** An endpoint that does not take a connection within this time does not take one. */
const CONNECT_WITHIN_MS = 3_000;

/** Listens, and looks at the list of services once. Throws when the address is taken. */
export async function startServiceGateway(options: ServiceGatewayOptions): Promise<RunningServiceGateway> {
  const { config, logger } = options;
  const { maxHeaderBytes, timeoutMs, retryAttempts, cooldownMs, token } = config;
  const table = new ServiceTable({
    connectTimeoutMs: Math.min(CONNECT_WITHIN_MS, timeoutMs),
    maxHeaderBytes,
    retireGraceMs: timeoutMs,
  });
  const tunnels = new Tunnels({
    maxWebSockets: config.maxWebSockets,
    retryAttempts,
    cooldownMs,
    timeoutMs,
    maxHeaderBytes,
  });
  const coordinator = new CoordinatorClient({ urls: config.coordinatorUrls, token: config.coordinatorToken });
  const refresh = new RefreshLoop(coordinator, table, config.refreshMs, logger);
  const watch = new WatchLoop(coordinator, refresh, logger);
  const probe = new ProbeLoop(
    table,
    {
      intervalMs: config.probeMs,
      timeoutMs: config.probeTimeoutMs,
      healthPath: config.healthPath,
      cooldownMs,
    },
    logger,
  );
  const server: GatewayServer = new GatewayServer({
    table,
    tunnels,
    token,
    trustedProxies: new TrustedProxies(config.trustedProxies),
    retryAttempts,
    cooldownMs,
    timeoutMs,
    maxHeaderBytes,
    metrics: (): Promise<string> => metrics.text(),
  });
  const metrics = new GatewayMetrics({
    table,
    inFlight: () => server.inFlight,
    refusals: () => server.refusals,
    webSockets: () => tunnels.size,
    refreshFailures: () => refresh.failures,
  });
  const { port } = await server.listen(config.host, config.port);
  for (const loop of [refresh, watch, probe]) loop.start();
  await refresh.firstPass();
  let closing: Promise<void> | undefined;
  const close = async () => {
    await server.close(config.patienceMs);
    for (const loop of [watch, refresh, probe]) await loop.stop();
    table.cut();
    await coordinator.close();
  };
  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
    knowsServices: table.isLoaded,
    close: () => (closing ??= close()),
  };
}
