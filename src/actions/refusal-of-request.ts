import { actionRules, blockedActions } from '../contracts/actions.js';
import { machineActions } from './machine-actions.js';
import { type Params, refusalOfParams, refusalOfWanted } from './parameters.js';

/**
 * Why an action is refused wherever it would be carried out, for its name or its parameters; null when nothing speaks
 * against these. In the order of the checks: tier, parameters.
 */
export function refusalOfRequest(action: string, params: Params): string | null {
  if (blockedActions.has(action)) return `Action '${action}' is explicitly blocked.`;
  const known = Object.hasOwn(machineActions, action) ? machineActions[action] : undefined;
  if (!Object.hasOwn(actionRules, action) || known === undefined)
    return `Action '${action}' is implicitly blocked.`;
  return (
    refusalOfParams(params) ?? refusalOfWanted(params, known.params) ?? known.refusalOf?.(params) ?? null
  );
}

/** Whether an action runs only when a person has agreed to it. */
export function wantsConfirmation(action: string): boolean {
  return Object.hasOwn(actionRules, action) && actionRules[action]?.tier === 'confirm';
}
