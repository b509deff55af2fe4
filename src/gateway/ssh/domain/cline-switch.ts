import { type ActionResult } from '../../../contracts/gateway-api.js';

/** What a provider's refusal looks like in the output of cline: money, quota, rate or credentials. */
const REFUSAL =
  /\b(?:401|402|403|429)\b|quota|rate.?limit|too many requests|insufficient|exhausted|unauthorized|invalid api key|billing/i;

/** Whether a run of cline failed because its provider would not answer, so that another provider might. */
export function isProviderRefusal({ returncode, stdout, stderr }: ActionResult): boolean {
  return returncode > 0 && (REFUSAL.test(stderr) || REFUSAL.test(stdout));
}
