/** The states of a task. docs/state-machine.md draws them. */
export const taskStates = [
  'queued',
  'claimed',
  'running',
  'succeeded',
  'failed',
  'released',
  'failed_timeout',
] as const;

export type TaskStatus = (typeof taskStates)[number];

interface Verb {
  readonly from: readonly TaskStatus[];
  readonly to: TaskStatus;
}

/**
 * Everything that can happen to a task. A verb on a task in any other state changes nothing. The statements that make
 * the changes take their guards from this table.
 */
export const verbs = {
  claim: { from: ['queued', 'released'], to: 'claimed' },
  start: { from: ['claimed'], to: 'running' },
  succeed: { from: ['running'], to: 'succeeded' },
  fail: { from: ['claimed', 'running'], to: 'failed' },
  release: { from: ['claimed', 'running'], to: 'released' },
  timeOut: { from: ['claimed', 'running'], to: 'failed_timeout' },
  failWithDependency: { from: ['queued', 'released'], to: 'failed' },
  expire: { from: ['queued'], to: 'failed' },
  cancel: { from: ['queued', 'released', 'claimed', 'running'], to: 'failed' },
  retry: { from: ['failed', 'failed_timeout'], to: 'queued' },
} as const satisfies Record<string, Verb>;

export type VerbName = keyof typeof verbs;

/** States that only an explicit retry leaves. */
export const terminalStates: readonly TaskStatus[] = ['succeeded', 'failed', 'failed_timeout'];

/** Names that clients of older systems use in the status filter. */
const aliases: Readonly<Record<string, TaskStatus>> = { pending: 'queued', completed: 'succeeded' };

/** The state that a status filter means, in any case; undefined for a word that is no state. */
export function statusFromFilter(word: string): TaskStatus | undefined {
  const lower = word.trim().toLowerCase();
  return aliases[lower] ?? taskStates.find((status) => status === lower);
}
