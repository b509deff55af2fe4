export { type RunningServiceGateway, type ServiceGatewayOptions, startServiceGateway } from './main.js';
export { type ServiceGatewayConfig, serviceGatewayConfig } from './service-gateway.config.js';
