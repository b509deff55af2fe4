/** What a step of the work on a project leads to: the next one at once, or a rest first. */
export type StepEnd = { readonly restMs: number } | 'go on';
