/**
 * Where a task stands, beside its status. A claim looks only at gate 0, so that whatever waits for something costs it
 * nothing. 4 is kept free: a task bound to a gateway is set apart by its lane, which costs no writes when the gateway
 * comes and goes.
 */
export const GATE = {
  runnable: 0,
  waitsForDependencies: 1,
  waitsForFile: 2,
  waitsForTime: 3,
  held: 5,
  failed: 6,
} as const;
