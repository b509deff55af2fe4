import pg from 'pg';
import { type Instant } from './row.js';

const TIMESTAMPTZ = 1184;
const INT8 = 20;
const NUMERIC = 1700;
const TEXT_ARRAY = 1009;
const DOT = 46;

const PG_INSTANT = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?([+-]\d\d(?::?\d\d)?)$/;

/**
 * Postgres' text of a timestamptz as an {@link Instant}. A `Date` would lose the microseconds that callers are
 * promised. Sessions whose time zone is not UTC (a pooler's default, say) are converted.
 */
export function instantFromPostgres(value: string): Instant {
  // What nearly all are, without a regular expression.
  if (value.length === 29 && value.charCodeAt(19) === DOT && value.endsWith('+00')) {
    return `${value.slice(0, 10)}T${value.slice(11, 26)}+00:00`;
  }
  const match = PG_INSTANT.exec(value);
  if (match === null) return value;
  const [, day = '', time = '', fraction = '', offset = ''] = match;
  const micros = fraction.padEnd(6, '0');
  if (/^[+-]00(:?00)?$/.test(offset)) return `${day}T${time}.${micros}+00:00`;
  const iso = `${day}T${time}${offset.length === 3 ? `${offset}:00` : offset}`;
  return `${new Date(iso).toISOString().slice(0, 19)}.${micros}+00:00`;
}

type Parser = (value: string) => unknown;

const parseTextArray = (pg.types.getTypeParser as (oid: number) => Parser)(TEXT_ARRAY);
/** Most lists are empty, and a parser for each of them is most of the work of reading a task. */
const textArray: Parser = (value) => (value === '{}' ? [] : parseTextArray(value));

/** How values of the wire become JavaScript values, on every connection of the product. */
export const wireTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary'): Parser => {
    if (format !== 'binary') {
      if (oid === TIMESTAMPTZ) return instantFromPostgres;
      if (oid === INT8 || oid === NUMERIC) return Number;
      if (oid === TEXT_ARRAY) return textArray;
    }
    return (pg.types.getTypeParser as (oid: number, format?: string) => Parser)(oid, format);
  },
};
