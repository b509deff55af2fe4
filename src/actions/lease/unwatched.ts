import { type ActionResult } from '../../contracts/gateway-api.js';
import { type LeaseViolationPolicy } from '../actions.config.js';
import { failed } from '../results.js';
import { notCompared } from './lease-watch.js';

/**
 * A run whose writes nobody can compare with its task's lease. Where violations are only reported, the work matters more;
 * otherwise it must not be done unseen.
 */
export async function runUnwatched(
  run: () => Promise<ActionResult>,
  why: unknown,
  policy: LeaseViolationPolicy,
): Promise<ActionResult> {
  const result = policy === 'report' ? await run() : failed('The agent was not run.');
  return notCompared(result, why, policy);
}
