import { agentVariables } from './agent.js';
import { auditVariables } from './audit.js';
import { actionsVariables } from './actions.js';
import { cliVariables } from './cli.js';
import { controlPlaneVariables } from './control-plane.js';
import { databaseVariables } from './database.js';
import { gatewayVariables } from './gateway.js';
import { gatewayRegistrationVariables } from './gateway-registration.js';
import { hostVariables } from './host.js';
import { providerVariables } from './providers.js';
import { projectVariables } from './projects.js';
import { openclawVariables } from './openclaw.js';
import { reaperVariables } from './reaper.js';
import { schedulerVariables } from './scheduler.js';
import { serviceGatewayVariables } from './service-gateway.js';
import { skillVariables } from './skills.js';
import { skyclawVariables } from './skyclaw.js';
import { sshVariables } from './ssh.js';
import { telegramVariables } from './telegram.js';
import { tracingVariables } from './tracing.js';
import { upkeepVariables } from './upkeep.js';
import { webhookVariables } from './webhooks.js';

export { type Variable } from './variable.js';

export type VariableName = keyof typeof variables;

/**
 * Every environment variable of every program, with its default and what it does. `.env.example` is generated from
 * this list, and an unknown name in our name space is answered with the closest one here.
 */
export const variables = {
  ...databaseVariables,
  ...controlPlaneVariables,
  ...auditVariables,
  ...schedulerVariables,
  ...reaperVariables,
  ...skyclawVariables,
  ...openclawVariables,
  ...gatewayVariables,
  ...agentVariables,
  ...actionsVariables,
  ...providerVariables,
  ...sshVariables,
  ...gatewayRegistrationVariables,
  ...skillVariables,
  ...telegramVariables,
  ...projectVariables,
  ...upkeepVariables,
  ...hostVariables,
  ...cliVariables,
  ...serviceGatewayVariables,
  ...webhookVariables,
  ...tracingVariables,
} as const;
