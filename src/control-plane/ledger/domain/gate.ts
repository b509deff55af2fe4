/**
 * Where a task stands, beside its status. A claim looks only at gate 0, so that whatever waits for something costs it
 * nothing. A task bound to a gateway has no gate of its own: its lane sets it apart, which costs no writes when the gateway
 * comes and goes.
 */
export const GATE = {
  runnable: 0,
  waitsForDependencies: 1,
  waitsForFile: 2,
  waitsForTime: 3,
  waitsForKey: 4,
  held: 5,
  failed: 6,
} as const;
