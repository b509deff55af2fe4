import { actionRules, blockedActions } from '../contracts/actions.js';
import { type MachineAction } from './machine-action.js';
import { machineActions } from './machine-actions.js';
import { type Params, refusalOfParams, refusalOfWanted } from './parameters.js';

/** Why an action is refused for its name, wherever it would be carried out; null when it is allowed. */
export function refusalOfTier(action: string): string | null {
  if (blockedActions.has(action)) return `Action '${action}' is explicitly blocked.`;
  const isKnown = Object.hasOwn(actionRules, action) && knownAction(action) !== undefined;
  return isKnown ? null : `Action '${action}' is implicitly blocked.`;
}

/** The same for its name or its parameters. In the order of the checks: tier, parameters. */
export function refusalOfRequest(action: string, params: Params): string | null {
  const known = knownAction(action);
  const ofTier = refusalOfTier(action);
  if (ofTier !== null || known === undefined) return ofTier;
  return (
    refusalOfParams(params) ?? refusalOfWanted(params, known.params) ?? known.refusalOf?.(params) ?? null
  );
}

/** Whether an action runs only when a person has agreed to it. */
export function wantsConfirmation(action: string): boolean {
  return Object.hasOwn(actionRules, action) && actionRules[action]?.tier === 'confirm';
}

function knownAction(action: string): MachineAction | undefined {
  return Object.hasOwn(machineActions, action) ? machineActions[action] : undefined;
}
