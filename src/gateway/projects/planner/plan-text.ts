import { JsonTextError, parseJsonText } from '../../../platform/json/json-text.js';
import { type PlanRules, type ReadPlan, readPlan } from '../domain/read-plan.js';

/** Below what the control plane takes in one request, with room for what is added. */
const MAX_BYTES = 700_000;

/** Reads the plan in an answer of a model: one JSON document, which may stand in a fence or between other words. */
export function readPlanText(answer: string, rules: PlanRules): ReadPlan {
  const bytes = Buffer.byteLength(answer);
  if (bytes > MAX_BYTES) {
    return { ok: false, faults: [`The plan has ${bytes} bytes; at most ${MAX_BYTES} are allowed.`] };
  }
  const json = answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1);
  if (json === '') return { ok: false, faults: ['The answer holds no JSON document.'] };
  try {
    return readPlan(parseJsonText(json), rules);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    return { ok: false, faults: [`The answer is not JSON: ${error.message}.`] };
  }
}
