import { type Scenario } from './scenario.js';
import { stormScenario } from './storm.js';

/** By name, in the order in which they are run. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  storm: stormScenario,
};
