export { appendEvents, appendSteps, type EventColumns, type EventType } from './append.js';
export { EventsModule } from './events.module.js';
export { EventsService } from './events.service.js';
