export const overlapPolicies = ['allow', 'skip', 'cancel_previous'] as const;
/** What becomes of an occurrence while a task of an earlier one has not ended. */
export type Overlap = (typeof overlapPolicies)[number];
