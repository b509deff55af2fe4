// A gateway in a process of its own that plans with the provider at STUB_PROVIDER_URL: for tests that kill it.
import { gatewayConfig, startGateway } from '../../dist/gateway/index.js';
import { Env } from '../../dist/platform/config/env.js';
import { createLogger } from '../../dist/platform/logging/logger.js';
import { modelsAt } from './stub-models.mjs';

const config = gatewayConfig(new Env(process.env));
const gateway = await startGateway({
  config: { ...config, projects: { ...config.projects, lookGapMs: 200 } },
  databaseUrl: process.env.DATABASE_URL,
  logger: createLogger('gateway', config.logLevel),
  env: process.env,
  chatModels: modelsAt(process.env.STUB_PROVIDER_URL),
});
process.stdout.write(`OpenClaw gateway: ${gateway.url}\n`);
process.on('SIGTERM', () => void gateway.close().then(() => process.exit(0)));
