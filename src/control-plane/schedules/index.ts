export { OccurrencesService } from './occurrences.service.js';
export { SchedulesModule } from './schedules.module.js';
export { SchedulesService } from './schedules.service.js';
