export { LogsModule } from './logs.module.js';
export { ServiceOutputs } from './service-outputs.js';
export { LogsUpkeep } from './upkeep.service.js';
