/** Injects the executors, in the order of preference. */
export const EXECUTORS = Symbol('executors');
