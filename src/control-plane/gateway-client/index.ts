export { judgeHost } from './domain/gateway-host.js';
export { type DispatchOutcome } from './domain/outcome.js';
export { GatewayClient, refusalOfHost } from './gateway-client.js';
export { GatewayClientModule } from './gateway-client.module.js';
export {
  type ApprovalRequest,
  type ExecutionWatcher,
  type GatewayAddress,
  type GatewayProtocolName,
  gatewayProtocols,
  type GivenCredential,
  type ProbeResult,
} from './gateway-protocol.js';
