export { RegistryModule } from './registry.module.js';
export { type Gateway, type Worker } from './registry.queries.js';
export { RegistryService, type Roster } from './registry.service.js';
export { type Host, type HostOrder } from './hosts.queries.js';
export { HostsRegistry, mayGetWork, unknownHost } from './hosts.service.js';
