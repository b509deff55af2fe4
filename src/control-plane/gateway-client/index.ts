export { judgeHost } from './domain/gateway-host.js';
export { type DispatchOutcome } from './domain/outcome.js';
export { GatewayClient, type ProbeResult, refusalOfHost } from './gateway-client.js';
export { GatewayClientModule } from './gateway-client.module.js';
