import { type Instant } from '../database/row.js';

/**
 * An instant that a caller wrote: ISO 8601, a date alone included; no offset means UTC. A space where the `+` of an
 * offset was, which is what an unescaped query string makes of it, is read as that `+`. Null for anything else, and for
 * what lies outside of the years 1 to 9999 in UTC.
 */
export function parseInstant(raw: string): Instant | null {
  const text = raw
    .trim()
    .replace(/ (\d{2}:?\d{2})$/, (match, offset: string) =>
      /[T ]\d{2}:\d{2}.* /.test(raw) ? `+${offset}` : match,
    );
  const match =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/i.exec(
      text,
    );
  if (match === null) return null;
  const [, day = '', clock = '00:00', seconds = ':00', fraction = '', zone = 'Z'] = match;
  const offset = /^z$/i.test(zone)
    ? '+00:00'
    : zone.length === 3
      ? `${zone}:00`
      : zone.includes(':')
        ? zone
        : `${zone.slice(0, 3)}:${zone.slice(3)}`;
  const whole = new Date(`${day}T${clock}${seconds}${offset}`);
  if (Number.isNaN(whole.getTime())) return null;
  const iso = whole.toISOString();
  if (!/^(?!0000)\d{4}-/.test(iso)) return null;
  return `${iso.slice(0, 19)}.${fraction.slice(0, 6).padEnd(6, '0')}+00:00`;
}
