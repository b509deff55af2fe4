import { type JsonObject } from '../../../platform/database/row.js';

/** Paths that one event names, and characters of each. */
const MAX_PATHS = 200;
const MAX_PATH_LENGTH = 1_000;

/**
 * The paths that a task has written outside of its lease, as the result that came back says: a gateway's answer has them
 * in its `result`, a worker that reports the result itself has them in there. Bounded; empty when there are none.
 */
export function leaseViolationsIn(report: JsonObject): readonly string[] {
  const { result } = report;
  const paths = isObject(result) ? result['lease_violations'] : report['lease_violations'];
  if (!Array.isArray(paths)) return [];
  return paths
    .filter((path) => typeof path === 'string')
    .slice(0, MAX_PATHS)
    .map((path) => path.slice(0, MAX_PATH_LENGTH).toWellFormed());
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
