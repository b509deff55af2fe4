import { type Instant } from '../../../platform/database/row.js';

/** The id of an occurrence's task: made of nothing but schedule and time, so that there can be only one. */
export function occurrenceTaskId(scheduleId: string, at: Instant): string {
  const [, day = '', time = '', fraction = ''] = /^(.{10})T(.{8})\.(\d*)/.exec(at) ?? [];
  const micros = /^0*$/.test(fraction) ? '' : `.${fraction}`;
  return `${scheduleId}@${day.replaceAll('-', '')}T${time.replaceAll(':', '')}${micros}Z`;
}

/** An instant of the domain as the database and callers write it. */
export function instantOf(at: number): Instant {
  return `${new Date(at).toISOString().slice(0, 19)}.000000+00:00`;
}
