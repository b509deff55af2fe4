export { OccurrencesService } from './occurrences.service.js';
export { SchedulesModule } from './schedules.module.js';
