export { appendEvents, type EventType, eventTypes, MAX_MESSAGE_LENGTH } from './append.js';
export { EventsModule } from './events.module.js';
export { EventsService } from './events.service.js';
