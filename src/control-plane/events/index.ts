export { appendEvents, appendSteps, type EventColumns, type EventType, eventTypes } from './append.js';
export { BEGINNING, comparePositions, type Position } from './domain/position.js';
export { type Continuity, tryContinuity } from './continuity.queries.js';
export { type EventFilter } from './event-filter.js';
export { positionOf } from './event-query.js';
export { cursorOf, eventView } from './event-view.js';
export { listProjects, type LogPage, readEnd, readPage, type TaskEvent } from './events.queries.js';
export { EventsModule } from './events.module.js';
export { PartitionsService } from './partitions.service.js';
