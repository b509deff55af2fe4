export { HostUpkeep, type Stops } from './host-upkeep.service.js';
export { type ForeignService, ServicesImport, type WrittenService } from './import.service.js';
export { ServicesReader } from './reader.service.js';
export { ServicesModule } from './services.module.js';
