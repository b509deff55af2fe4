// A gateway in a process of its own that looks at its projects more often, and that the control plane does not know.
import { gatewayConfig, startGateway } from '../../dist/gateway/index.js';
import { Env } from '../../dist/platform/config/env.js';
import { createLogger } from '../../dist/platform/logging/logger.js';

const config = gatewayConfig(new Env(process.env));
const gateway = await startGateway({
  config: { ...config, registration: undefined, projects: { ...config.projects, lookGapMs: 200 } },
  databaseUrl: process.env.DATABASE_URL,
  logger: createLogger('gateway', config.logLevel),
  env: process.env,
});
process.stdout.write(`OpenClaw gateway: ${gateway.url}\n`);
process.on('SIGTERM', () => void gateway.close().then(() => process.exit(0)));
