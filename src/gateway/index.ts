export { type GatewayConfig, gatewayConfig, GatewayConfigError } from './gateway.config.js';
export { type GatewayOptions, type RunningGateway, startGateway } from './main.js';
