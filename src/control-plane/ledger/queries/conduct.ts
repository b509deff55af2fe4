import { type JsonObject } from '../../../platform/database/row.js';
import { appendEvents, appendSteps, type EventColumns } from '../../events/index.js';
import { leaseViolationsIn } from '../domain/lease-violations.js';

/**
 * Whether a statement is for ends of which a result says that the task wrote outside of its lease. Such ends are rare, and
 * telling of them costs every end a little: so they have statements of their own.
 */
export type Conduct = 'kept' | 'strayed';

/**
 * What is told of an end, and before it of those who strayed. A CTE of a statement in which `ended` has what has ended, and
 * `lease_violations` of those who strayed.
 */
export function toldOf(
  end: EventColumns & Required<Pick<EventColumns, 'from' | 'worker' | 'token'>>,
  conduct: Conduct,
): string {
  if (conduct === 'kept') return appendEvents('ended', end);
  const { from, worker, token } = end;
  const violation: EventColumns = {
    ...{ type: 'lease_violation', from, to: from, worker, token },
    message: `'Written outside of the lease.'`,
    payload: `json_build_object('paths', lease_violations::json)`,
  };
  const strayed = '(select * from ended where lease_violations is not null) strayed';
  return appendSteps([strayed, violation], ['ended', end]);
}

/** The paths that a result says were written outside of the lease, as JSON text; null when there are none. */
export function violationsText(result: JsonObject): string | null {
  const paths = leaseViolationsIn(result);
  return paths.length === 0 ? null : JSON.stringify(paths);
}
