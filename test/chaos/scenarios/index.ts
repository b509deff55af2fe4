import { clock } from './clock.js';
import { failover } from './failover.js';
import { leaving } from './leaving.js';
import { pool } from './pool.js';
import { rolling } from './rolling.js';
import { type Scenario } from './scenario.js';
import { silent } from './silent.js';
import { stormScenario } from './storm.js';

/** By name, in the order in which they are run. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  storm: stormScenario,
  failover,
  leaving,
  rolling,
  clock,
  pool,
  silent,
};
