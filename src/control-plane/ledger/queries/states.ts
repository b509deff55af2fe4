import { type TaskStatus } from '../domain/task-state.js';

/** `column in ('a', 'b')` for the states of a verb. */
export function inStates(column: string, states: readonly TaskStatus[]): string {
  return `${column} in (${states.map((state) => `'${state}'`).join(', ')})`;
}
