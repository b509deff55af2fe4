export { type GatewayConfig, gatewayConfig } from './gateway.config.js';
export { type GatewayOptions, type RunningGateway, startGateway } from './main.js';
