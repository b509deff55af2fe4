/** How far a gateway has come that is drained. */
export const drainStates = ['draining', 'drained', 'overdue'] as const;

export type DrainState = (typeof drainStates)[number];

/** `overdue`: the deadline has passed, and there is something left that nobody else may run. */
export function drainStateOf(open: number, isOver: boolean): DrainState {
  if (open === 0) return 'drained';
  return isOver ? 'overdue' : 'draining';
}
