export { LogsModule } from './logs.module.js';
export { LogsUpkeep } from './upkeep.service.js';
