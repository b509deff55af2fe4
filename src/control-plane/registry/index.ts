export { gatewayView } from './gateway-view.js';
export { type Gateway } from './gateways.queries.js';
export { GatewayView } from './registry.dto.js';
export { RegistryModule } from './registry.module.js';
export { RegistryService, type Roster } from './registry.service.js';
export { type Worker } from './workers.queries.js';
export { type Host, type HostOrder } from './hosts.queries.js';
export { HostsRegistry, mayGetWork, type ShownByHost, unknownHost } from './hosts.service.js';
export { type ForeignHost } from './host-imports.queries.js';
