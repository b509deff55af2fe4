export { appendEvents, appendSteps, type EventColumns, type EventType } from './append.js';
export { EventsModule } from './events.module.js';
export { PartitionsService } from './partitions.service.js';
