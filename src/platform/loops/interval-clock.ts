import { type Every } from './loop.js';

/** The clock of loops in programs without Nest's scheduler: an interval each. */
export const everyInterval: Every = (_name, intervalMs, tick) => {
  const timer = setInterval(tick, intervalMs);
  return () => clearInterval(timer);
};
