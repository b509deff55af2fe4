export { HostUpkeep, type Stops } from './host-upkeep.service.js';
export { ServicesModule } from './services.module.js';
