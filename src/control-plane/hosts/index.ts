export { HostsModule } from './hosts.module.js';
export { HostsService, statusOf } from './hosts.service.js';
